"""The shape of answers and the status of each error (contract 1.2 and 1.5)."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pasar.kit import errors
from pasar.store_service.web.envelope import (
    STATUS,
    BodyTooLarge,
    Exchange,
    MethodNotAllowed,
    Paged,
    failure,
    headers_of,
    status_of,
    success,
)
from pasar.store_service.web.route import Page

EXCHANGE = Exchange("r-1", datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC), "192.0.2.1")
META = {"request_id": "r-1", "timestamp": "2026-01-02T03:04:05Z"}


def test_success_is_data_and_meta() -> None:
    answer = [{"id": UUID("0190C7A2-0000-7000-8000-000000000001"), "price": "10.5"}]

    assert msgspec.json.decode(success(EXCHANGE, answer)) == {
        "data": [{"id": "0190c7a2-0000-7000-8000-000000000001", "price": "10.5"}],
        "meta": META,
    }


def test_an_answer_that_is_json_already_is_taken_as_it_is() -> None:
    raw = msgspec.Raw(b'{"a":1.0}')

    assert success(EXCHANGE, raw).startswith(b'{"data":{"a":1.0},"meta":')


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2), (41, 5)])
def test_a_page_tells_where_it_is(total: int, pages: int) -> None:
    answer: Paged[int] = Paged([], Page(7, 10), total)

    assert msgspec.json.decode(success(EXCHANGE, answer)) == {
        "data": [],
        "meta": META
        | {
            "pagination": {
                "current_page": 7,
                "per_page": 10,
                "total_items": total,
                "total_pages": pages,
            }
        },
    }


def test_failure_is_errors_and_meta_and_names_a_field_only_at_fault() -> None:
    assert msgspec.json.decode(failure(EXCHANGE, errors.NotFound("store not found"))) == {
        "errors": [{"code": "NOT_FOUND", "message": "store not found"}],
        "meta": META,
    }
    assert msgspec.json.decode(failure(EXCHANGE, errors.Invalid("invalid price", field="price")))[
        "errors"
    ] == [{"code": "VALIDATION_ERROR", "message": "invalid price", "field": "price"}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("x"), 400),
        (errors.InvalidFields([]), 400),
        (errors.WrongState("x"), 400),
        (errors.Unauthorized("x"), 401),
        (errors.Forbidden("x"), 403),
        (errors.NotFound("x"), 404),
        (MethodNotAllowed("GET"), 405),
        (errors.Conflict("x"), 409),
        (BodyTooLarge(), 413),
        (errors.RateLimited(7), 429),
        (errors.PasarError(), 500),
        (errors.Unavailable(), 503),
        (errors.TimedOut(), 504),
    ],
)
def test_each_error_has_its_status(error: errors.PasarError, status: int) -> None:
    assert status_of(error) == status


def test_no_code_is_without_a_status() -> None:
    codes = {each.code for each in _tree(errors.PasarError)}

    assert codes <= STATUS.keys()


def test_errors_bring_the_headers_a_client_needs() -> None:
    assert headers_of(errors.RateLimited(7)) == [(b"retry-after", b"7")]
    assert headers_of(errors.Unavailable(retry_after_s=2)) == [(b"retry-after", b"2")]
    assert headers_of(MethodNotAllowed("GET, HEAD")) == [(b"allow", b"GET, HEAD")]
    assert headers_of(errors.NotFound("x")) == []


def _tree(error: type[errors.PasarError]) -> set[type[errors.PasarError]]:
    return {error}.union(*(_tree(each) for each in error.__subclasses__()))
