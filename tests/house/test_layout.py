"""The shape of the source: small files and functions, the same few file names in each feature."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PASAR = ROOT / "src" / "pasar"
FILES = sorted(
    path
    for path in PASAR.rglob("*.py")
    if "_pb2" not in path.name and "migrations" not in path.parts
)
FEATURES = ["accounts", "stores", "catalog", "cart", "orders", "payments", "reviews", "timeline"]
FEATURE_FILES = {
    "__init__.py", "model.py", "rules.py", "repository.py", "service.py", "schemas.py",
    "handler.py", "postgres.py", "postgres_orders.py", "postgres_reads.py", "postgres_search.py",
    "redis.py", "consumer.py", "sessions.py", "postgres_sessions.py", "postgres_rows.py",
    "in_process.py", "combining.py", "reconciler.py", "comparison.py", "grpc_client.py",
}  # fmt: skip
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of each function, docstring and decorators not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1


def limit(path: Path) -> int:
    """Lines a file may have; compositions and single-purpose kit files are kept shorter."""
    if path.name == "main.py" and path.parent.name.endswith("_service"):
        return 150
    return 200 if path.is_relative_to(PASAR / "kit") else 250


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PASAR)))
def test_a_file_is_short_and_opens_with_what_lives_in_it(path: Path) -> None:
    too_long = [(name, size) for name, size in functions(path) if size > 40]

    assert lines(path) <= limit(path)
    assert too_long == []
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_files_and_functions_are_small_in_the_middle() -> None:
    sizes = [lines(path) for path in FILES if path.name != "__init__.py"]
    lengths = [size for path in FILES for _, size in functions(path)]

    assert median(sizes) <= 100
    assert median(lengths) <= 12


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_made_of_the_usual_files(feature: str) -> None:
    found = {path.name for path in (PASAR / "store_service" / feature).glob("*.py")}

    assert found <= FEATURE_FILES


def test_no_module_bears_a_shapeless_name() -> None:
    assert [path for path in FILES if path.stem in SHAPELESS] == []


def test_folders_are_at_most_one_level_below_a_service_or_kit() -> None:
    assert [path for path in FILES if len(path.relative_to(PASAR).parts) > 3] == []


def test_tests_mirror_the_source() -> None:
    """Outside a few named folders, tests stand at the path of what they test."""
    elsewhere = {"chaos", "crash", "fakes", "fixtures", "journeys", "house", "security", "model"}
    strangers = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        inside = path.relative_to(ROOT / "tests")
        if inside.parts[0] not in elsewhere and not (PASAR / inside.parent).is_dir():
            strangers.append(inside)

    assert strangers == []
