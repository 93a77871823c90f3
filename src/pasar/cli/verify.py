"""`pasar verify`: recompute every invariant and name what breaks one."""

from collections.abc import Mapping

import msgspec

from pasar.audit.check import Report, Verdict, check
from pasar.cli import migrate, screen
from pasar.kit.postgres import PostgresDatabase


async def verify(variables: Mapping[str, str], *, calm_s: float, as_json: bool) -> Verdict:
    """Check a live system without locking it, print the findings, return the exit code."""
    database = await PostgresDatabase.open(migrate.owner(variables))
    try:
        report = await check(database, calm_s)
    finally:
        await database.close()
    if as_json:
        screen.say(msgspec.json.encode(report).decode())
    else:
        _show(report)
    return report.verdict


def _show(report: Report) -> None:
    if report.verdict is Verdict.NOT_CHECKABLE:
        screen.say("not checkable: the database is away or not migrated")
    for finding in report.findings:
        state = "BROKEN" if finding.offenders else "holds"
        screen.say(f"{finding.invariant.name}  {state:6}  {finding.invariant.sentence}")
        for offender in finding.offenders:
            screen.say(f"     {offender.kind} {offender.id}")
