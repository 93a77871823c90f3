"""`pasar verify`: recompute every invariant and name what breaks one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

import msgspec
import typer

from pasar.audit.check import Report, Verdict, check
from pasar.audit.story import story
from pasar.cli import schemas, screen, variables
from pasar.kit import settings
from pasar.kit.ids import parse_id
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.config import StoreConfig

CALM_S: Final = 60.0  # by then everything is settled while all parts run (guarantee G4)
# An invariant reads every order, of a million for longer than a request's statement may. It locks
# nothing that anybody waits for.
_STATEMENT_LIMIT_S: Final = 600.0

app: Final = typer.Typer(add_completion=False)


@app.command()
def verify(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    calm: Annotated[
        bool,
        typer.Option("--calm", help="All parts ran: what is older than 60 s must have settled."),
    ] = False,
) -> None:
    """
    Recompute every invariant of a live shop, without locking it.

    What is younger than PAYMENT_TIMEOUT and 60 s may still be on its way. I11, that nothing which
    was acknowledged is lost, needs to know what was: `make chaos` checks it.

    Exit code 0: all hold; 1: one is broken, its rows are named, and the first order among them is
    told with its timeline; 2: cannot be checked.
    """
    report, told = variables.run(_check(variables.of_the_running_shop(), calm=calm))
    if json:
        screen.say(msgspec.json.encode(report).decode())
    else:
        _show(report)
        screen.table(told)
    raise SystemExit(report.verdict)


async def _check(given: Mapping[str, str], *, calm: bool) -> tuple[Report, Sequence[Sequence[str]]]:
    patience_s = 0.0 if calm else settings.read(StoreConfig, given).payment_timeout
    owner = replace(schemas.owner(given), statement_timeout_s=_STATEMENT_LIMIT_S)
    database = await PostgresDatabase.open(owner)
    try:
        report = await check(database, CALM_S + patience_s)
        order = _first_order(report)
        told = await story(database, order) if order else ()
        return report, [each.row() for each in told]
    finally:
        await database.close()


def _first_order(report: Report) -> UUID | None:
    """Return the first order among what is broken: there are products and reviews too."""
    offenders = (offender for finding in report.broken for offender in finding.offenders)
    return next((parse_id(each.id) for each in offenders if each.kind == "order"), None)


def _show(report: Report) -> None:
    if report.verdict is Verdict.NOT_CHECKABLE:
        screen.say(f"not checkable: {report.reason}")
    for finding in report.findings:
        state = "BROKEN" if finding.offenders else "holds"
        screen.say(f"{finding.invariant.name}  {state:6}  {finding.invariant.sentence}")
        for offender in finding.offenders:
            screen.say(f"     {offender.kind} {offender.id}")
