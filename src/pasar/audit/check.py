"""
Recompute every invariant in one read-only snapshot of both schemas.

The result is data; printing it, and the exit code, are `cli/verify.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

from pasar.audit.invariants import INVARIANTS, Invariant
from pasar.kit.database import Database, Tx
from pasar.kit.errors import Unavailable

SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

MIGRATED: Final = """
SELECT to_regclass('public.orders') IS NOT NULL AND to_regclass('payment.charges') IS NOT NULL
    AS yes
"""

# Enough to begin with; a fault that broke a million rows needs no million lines.
_NAMED_AT_MOST: Final = 100


class Verdict(IntEnum):
    """The exit code of `pasar verify`."""

    HOLDS = 0
    BROKEN = 1
    NOT_CHECKABLE = 2


@dataclass(frozen=True, slots=True)
class Offender:
    """A row that breaks a promise, for instance the order of that id."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and the first rows that break it, if any."""

    invariant: Invariant
    offenders: Sequence[Offender]


@dataclass(frozen=True, slots=True)
class Report:
    """All findings in the order of the table; none if the check could not be made: `reason`."""

    findings: Sequence[Finding]
    reason: str = ""

    @property
    def broken(self) -> Sequence[Finding]:
        return [finding for finding in self.findings if finding.offenders]

    @property
    def verdict(self) -> Verdict:
        if not self.findings:
            return Verdict.NOT_CHECKABLE
        return Verdict.BROKEN if self.broken else Verdict.HOLDS


async def check(
    database: Database, calm_s: float, invariants: Sequence[Invariant] = INVARIANTS
) -> Report:
    """
    Judge both schemas as they were at one instant; the login must be able to read both.

    What happened less than `calm_s` seconds ago may still be on its way. The report is empty, but
    for its reason, when the database is away or not migrated.
    """
    try:
        async with database.begin() as tx:
            await tx.execute(SNAPSHOT)
            migrated = await tx.fetch_one(MIGRATED)
            if not migrated or not migrated["yes"]:
                return Report((), "database not migrated: run `pasar migrate`")
            return Report([await _judge(tx, invariant, calm_s) for invariant in invariants])
    except Unavailable as outage:
        return Report((), outage.reason)


async def _judge(tx: Tx, invariant: Invariant, calm_s: float) -> Finding:
    sql = f"SELECT kind, id FROM ({invariant.sql}) x ORDER BY kind, id LIMIT {_NAMED_AT_MOST}"  # noqa: S608  our own texts
    calm = (timedelta(seconds=calm_s),) if "$1" in invariant.sql else ()
    rows = await tx.fetch(sql, *calm)
    return Finding(invariant, [Offender(row["kind"], row["id"]) for row in rows])
