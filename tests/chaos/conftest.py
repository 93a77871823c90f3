"""The smoke goes first: it takes a worker for its 90 s while the others do the rest."""

import pytest


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != "test_smoke.py")
