"""Fixtures of every test: engines, a migrated database, a flushed Redis."""

pytest_plugins = ["tests.fixtures.engines", "tests.fixtures.database", "tests.fixtures.redis"]
