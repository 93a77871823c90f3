"""The API description says what the rows say, and of a row added later too."""

from typing import Annotated, Any

import msgspec
import pytest
from openapi_spec_validator import validate

from pasar.kit.errors import Conflict
from pasar.kit.money import Money
from pasar.store_service.web.fields import Body, Parameter
from pasar.store_service.web.openapi import describe, encode
from pasar.store_service.web.route import ADMIN, BUYER, PUBLIC, Call, Limit
from tests.store_service.web.toy import ROWS, TOY, Toy, ToyBody, ToyHandler, row

CONTRACT = (400, 401, 403, 413, 429, 431, 500, 503, 504)


def told(*rows: Any) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(encode(describe(rows, "1.2.3")))
    validate(document)
    return document


def answers(document: dict[str, Any], path: str, method: str) -> dict[int, dict[str, Any]]:
    """Return the answers of an operation by status, references followed."""
    responses = document["paths"][path][method]["responses"]
    shared = document["components"]["responses"]
    return {
        int(status): shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in responses.items()
    }


def messages(answer: dict[str, Any]) -> set[str]:
    return {
        fault["message"]
        for example in answer["content"]["application/json"]["examples"].values()
        for fault in example["value"]["errors"]
    }


def test_the_document_is_valid_and_names_its_version() -> None:
    document = told(*ROWS)

    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"


def test_a_protected_row_tells_of_every_refusal_that_the_contract_knows() -> None:
    found = answers(told(*ROWS), "/toys/{id}", "put")

    assert sorted(found) == [200, *CONTRACT]
    assert messages(found[401]) == {
        "missing authorization header",
        "invalid authorization format",
        "invalid or expired token",
        "invalid user",
    }
    assert messages(found[400]) == {
        "invalid toy id",
        "invalid request body",
        "is required",
        "must be greater than 0",
    }


def test_a_public_row_tells_of_no_token_and_of_what_fails_unforeseen() -> None:
    document = told(*ROWS)
    found = answers(document, "/crash", "get")

    assert document["paths"]["/crash"]["get"]["security"] == []
    assert sorted(found) == [200, 429, 431, 500, 503, 504]
    assert messages(found[500]) == {"failed to fetch toys"}


def test_every_answer_names_its_headers() -> None:
    found = answers(told(*ROWS), "/toys/{id}", "put")

    for status, answer in found.items():
        assert {"X-Request-ID", "X-Content-Type-Options", "Cache-Control"} <= set(answer["headers"])
        assert ("Retry-After" in answer["headers"]) == (status in {429, 503})
        assert "X-RateLimit-Reset" in answer["headers"]


def test_every_example_fits_its_schema_name_by_name() -> None:
    found = answers(told(*ROWS), "/toys", "post")

    example = found[201]["content"]["application/json"]["example"]
    assert example["data"].keys() == {"id", "name"}
    assert example["meta"].keys() == {"request_id", "timestamp"}


def test_a_body_tells_which_members_are_required_and_how_they_are_bounded() -> None:
    schema = told(*ROWS)["components"]["schemas"]["ToyBody"]

    assert schema["required"] == ["name", "pieces"]
    assert schema["properties"]["name"]["maxLength"] == 10
    assert schema["properties"]["pieces"]["minimum"] == 1


def test_pages_bring_their_parameters_and_their_figures() -> None:
    operation = told(*ROWS)["paths"]["/toys"]["get"]

    names = [each["name"] for each in operation["parameters"] if "name" in each]
    assert names == ["search", "page", "per_page"]
    success = operation["responses"]["200"]["content"]["application/json"]
    assert success["schema"]["properties"]["data"]["type"] == "array"
    assert success["example"]["meta"]["pagination"]["total_items"] == 1


def test_what_a_row_makes_is_linked_to_all_that_want_its_id() -> None:
    class WrapBody(Body, frozen=True):
        toy_id: str = ""

    wrap = row("POST", "/gifts", ToyHandler.add, access=PUBLIC, body=WrapBody)
    filters = (Parameter("toy_id", str, "only of this toy"),)
    gifts = row("GET", "/gifts", ToyHandler.show, access=PUBLIC, query=filters)
    made = told(*ROWS, wrap, gifts)["paths"]["/toys"]["post"]["responses"]["201"]

    identifier = "$response.body#/data/id"
    in_path = {"parameters": {"id": identifier}}
    assert made["links"] == {
        name: {"operationId": name, **wanted}
        for name, wanted in {
            "get-toys-id": in_path,
            "put-toys-id": in_path,
            "delete-toys-id": in_path,
            "post-gifts": {"requestBody": {"toy_id": identifier}},
            "get-gifts": {"parameters": {"toy_id": identifier}},
        }.items()
    }


def test_a_row_added_later_describes_itself() -> None:
    class Sold(Conflict):
        def __init__(self, name: str, price: Money) -> None:
            super().__init__(f"{name} is sold for {price}")

    later = row(
        "PUT",
        "/toys/{toy_id}/price",
        ToyHandler.add,
        access=BUYER,
        limits=(Limit.AUTH,),
        path_id="toy",
        query=(Parameter("at_most", Annotated[int, msgspec.Meta(ge=1)], "a bound"),),
        body=ToyBody,
        refusals=(Sold,),
    )
    document = told(*ROWS, later)

    found = answers(document, "/toys/{toy_id}/price", "put")
    assert messages(found[409]) == {"Teapot is sold for 450000"}
    parameters = document["paths"]["/toys/{toy_id}/price"]["put"]["parameters"]
    assert [each["name"] for each in parameters if "name" in each] == ["toy_id", "at_most"]


def test_who_may_ask_and_for_what_stands_there_in_words() -> None:
    class ToyMakerHandler(ToyHandler):
        async def put_away(self, _: Call[None]) -> Toy:
            return Toy(TOY, "top")

    document = told(row("GET", "/shelf", ToyMakerHandler.put_away, access=ADMIN))

    operation = document["paths"]["/shelf"]["get"]
    assert operation["summary"] == "Toy maker: put away"
    assert operation["description"] == "For an admin. No rate limit."


def test_an_upload_is_a_form_with_one_file() -> None:
    upload = row(
        "POST", "/pictures/{id}", ToyHandler.show, access=PUBLIC, path_id="toy", upload="image"
    )
    document = told(upload)

    form = document["paths"]["/pictures/{id}"]["post"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["required"] == ["image"]
    assert "image file is required" in messages(answers(document, "/pictures/{id}", "post")[400])


def test_a_refusal_of_which_no_example_can_be_made_is_found_at_once() -> None:
    class Odd(Conflict):
        def __init__(self, thing: complex) -> None:
            super().__init__(str(thing))

    with pytest.raises(KeyError):
        told(row("GET", "/odd", ToyHandler.show, access=PUBLIC, refusals=(Odd,)))
