"""Fixtures of every test: engines, a migrated database, a flushed Redis; and the NSQ count."""

import pytest

pytest_plugins = [
    "tests.fixtures.engines",
    "tests.fixtures.database",
    "tests.fixtures.scale",
    "tests.fixtures.redis",
    "tests.fixtures.storage",
    "tests.fixtures.counts",
    "tests.fixtures.routes",
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests met a real nsqd, and shout when some could not."""
    counts = {
        outcome: sum(
            "nsq" in report.keywords
            for report in terminalreporter.stats.get(outcome, [])
            if getattr(report, "when", "call") == "call" or outcome == "skipped"
        )
        for outcome in ("passed", "failed", "skipped")
    }
    if any(counts.values()):
        line = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        terminalreporter.write_line(f"on a real nsqd: {line}")
    if counts["skipped"]:
        terminalreporter.write_line(f"{counts['skipped']} NSQ TESTS DID NOT RUN: NO GO, NO NSQD")
