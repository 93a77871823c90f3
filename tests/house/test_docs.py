"""Documentation under test: tables equal the code, links lead somewhere, examples run."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

import pasar
from pasar.store_service.routes import ROUTES
from tools import docs

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = [
    module.name
    for module in pkgutil.walk_packages(pasar.__path__, "pasar.")
    if "_pb2" not in module.name
    and "migrations" not in module.name
    and "__main__" not in module.name
]


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text()

    assert docs.filled(readme) == readme, "run make docs"


def test_every_setting_stands_in_the_example_file() -> None:
    assert (ROOT / ".env.example").read_text() == docs.env_example(), "run make docs"


def test_d52_the_api_description_is_what_the_service_would_answer() -> None:
    kept = (ROOT / "docs" / "openapi.json").read_bytes()

    assert kept == docs.api_description(), "run make docs"
    validate(msgspec.json.decode(kept))


def test_every_example_of_the_api_description_is_a_right_one() -> None:
    document = msgspec.json.decode(docs.api_description())
    wrong = [
        f"{where}: {fault.message}"
        for where, schema, example in examples(document)
        for fault in OAS31Validator(
            {"components": document["components"], **schema},
            format_checker=OAS31Validator.FORMAT_CHECKER,
        ).iter_errors(example)
    ]

    assert wrong == []


def examples(document: Any) -> Iterator[tuple[str, dict[str, Any], object]]:
    """Yield place, schema and example of every parameter and every body, in and out."""
    bodies = [("a refusal", told) for told in document["components"]["responses"].values()]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            for each in operation["parameters"]:
                if "example" in each:
                    yield f"{where} {each['name']}", each["schema"], each["example"]
            bodies += [(where, operation.get("requestBody", {}))]
            bodies += [(where, told) for told in operation["responses"].values()]
    for where, told in bodies:
        for media in told.get("content", {}).values():
            shown = [each["value"] for each in media.get("examples", {}).values()]
            for example in [media["example"]] if "example" in media else shown:
                yield where, media["schema"], example


def test_the_page_of_routes_has_all_of_them_and_none_without_a_test() -> None:
    page = (ROOT / "docs" / "routes.md").read_text()
    rows = re.findall(r"^\| `(.*)` \| (\d+) \|$", page, re.MULTILINE)

    served = [f"{row.method} {row.path}" for row in ROUTES]
    assert [route for route, _ in rows] == [*served, *docs.BESIDE_THE_ROWS]
    assert [route for route, tests in rows if int(tests) == 0] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_in_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!https?://)([^)#]+)", text)
    paths = re.findall(r"`((?:src|tests|docs|bench|tools|proto)/[\w/.]+)`", text)

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))

    assert failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_method_of_a_port_says_what_it_promises(name: str) -> None:
    module = importlib.import_module(name)
    ports = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == name and getattr(kind, "_is_protocol", False)
    ]
    silent = [
        f"{port.__name__}.{method}"
        for port in ports
        for method, function in inspect.getmembers(port, inspect.isfunction)
        if not method.startswith("_") and not function.__doc__
    ]

    assert silent == []


def test_the_architecture_names_every_part_of_the_kit() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    kit = ROOT / "src" / "pasar" / "kit"
    parts = {path.stem for path in kit.glob("*.py")} - {"__init__"}
    parts |= {f"{path.parent.name}/" for path in kit.glob("*/__init__.py")}

    assert [part for part in sorted(parts) if f"`{part}`" not in page] == []


def test_make_help_lists_every_target_that_the_pages_name() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
    ).stdout
    named = {
        target for page in PAGES for target in re.findall(r"`make ([a-z-]+)", page.read_text())
    }

    assert [target for target in sorted(named) if f"make {target} " not in listed] == []


def test_every_row_of_the_contract_that_is_cited_is_there_and_every_one_is_tested() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    rows = {int(row) for row in re.findall(r"^- \*\*D(\d+)\*\*", page, re.MULTILINE)}
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    cited = {int(row) for row in re.findall(r"\bD(\d+)\b", source)}
    names = " ".join(re.findall(r"def (test_\w+)", tests))
    named = {int(row) for row in re.findall(r"_d(\d+)(?=_)", names)}

    assert cited - rows == set()
    assert named == rows


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md"))

    assert numbers == [*range(1, len(numbers) + 1)]
