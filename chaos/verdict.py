"""The end of a run: waiting for calm, gathering what it left behind, and judging that."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chaos import books, logs
from chaos.checker import Broken, Evidence, judge
from chaos.messages import Messages
from chaos.people import Market
from chaos.processes import HarnessFailed
from chaos.recovery import Struck, recoveries
from pasar.audit import check
from pasar.audit.story import story
from pasar.kit.database import Database
from pasar.kit.errors import Unavailable

CALM_LIMIT_S: Final = 60.0  # guarantee G4
ECHO_LIMIT_S: Final = 15.0  # above the brokers' visibility timeout of 10 s
_POLL_S: Final = 0.25
_INJECT_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """`story`: both services' timeline of the first order that is broken."""

    audit: check.Report
    broken: Sequence[Broken]
    story: Sequence[str]


async def calm(messages: Messages) -> tuple[float | None, Sequence[str]]:
    """Wait until nothing is on its way; return how long that took, or what is left."""
    began = time.monotonic()
    left: Sequence[str] = ["the database"]
    inject_at = began
    while (waited_s := time.monotonic() - began) < CALM_LIMIT_S:
        try:
            left = await books.unsettled(messages.database)
            dead = await books.dead(messages.database)
        except Unavailable:
            continue
        lost = [letter for letter in messages.injected if letter not in dead]
        if not left and not lost:
            return waited_s, []
        if lost and time.monotonic() > inject_at:
            await messages.inject(lost)
            inject_at = time.monotonic() + _INJECT_AGAIN_S
        await asyncio.sleep(_POLL_S)
    return None, left


async def evidence(
    messages: Messages,
    market: Market,
    struck: Sequence[Struck],
    load_ended: float,
    limit_s: float,
) -> Evidence:
    """Gather what the checks compare. Raises Unavailable."""
    kept = await books.read(messages.database)
    operations = market.log.operations
    return Evidence(
        operations=operations,
        books=kept,
        injected=messages.injected,
        struck=struck,
        recoveries=recoveries(struck, operations, kept.paid_at, load_ended),
        surprises=[
            *(each for part in messages.shop.parts.values() for each in part.surprises),
            *logs.findings(messages.shop.folder / "log"),
        ],
        stores={seller.name: seller.store_id for seller in market.sellers},
        limit_s=limit_s,
    )


async def audited(database: Database) -> check.Report:
    """
    Judge by the invariants, again while one is broken: what is broken for good stays so.

    A broker brings a message again whose taker died, some seconds later; its answer is then sent
    once more, and unsent (I10) for that moment.
    """
    began = time.monotonic()
    while True:
        report = await check.check(database, calm_s=0)
        if not report.broken or time.monotonic() - began > ECHO_LIMIT_S:
            return report
        await asyncio.sleep(_POLL_S)


async def verdict(messages: Messages, found: Evidence, left: Sequence[str]) -> Judged:
    """Judge by the invariants and by the log. Raises HarnessFailed without a database."""
    audit = await audited(messages.database)
    if audit.verdict is check.Verdict.NOT_CHECKABLE:
        raise HarnessFailed("the database is away at the end")
    broken = [
        *(Broken("calm", f"{what} is on its way after {CALM_LIMIT_S:.0f} s") for what in left),
        *(
            Broken(finding.invariant.name, f"{one.kind} {one.id}: {finding.invariant.sentence}",
                   one.id if one.kind == "order" else "")
            for finding in audit.broken
            for one in finding.offenders
        ),
        *judge(found),
    ]  # fmt: skip
    told = next((each.order_id for each in broken if each.order_id in found.books.orders), "")
    return Judged(
        audit=audit,
        broken=broken,
        story=[
            f"{each.at:%H:%M:%S.%f} {each.kind} {each.text}"
            for each in (await story(messages.database, UUID(told)) if told else [])
        ],
    )
