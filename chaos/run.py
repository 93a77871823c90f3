"""
`make chaos` and `make chaos-smoke`: load, faults, calm, then the verdict.

The seed is printed first, whatever happens; exit code 1 if anything is broken, and then the folder
with every log stays.
"""

import argparse
import asyncio
import resource
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from chaos import books, logs, report
from chaos.checker import Broken, Evidence, judge
from chaos.engines import BINARIES
from chaos.faults import FAULTS, Scene
from chaos.load import Buyer, crowd, open_market
from chaos.messages import Messages, open_messages
from chaos.oplog import OperationLog
from chaos.parts import HarnessFailed
from chaos.people import Market
from chaos.plan import LONG, SMOKE, Planned, plan
from chaos.recovery import Struck, recoveries
from chaos.shop import BrokerKind, open_shop
from pasar.audit.check import Verdict, check
from pasar.audit.story import story
from pasar.kit import log
from pasar.kit.errors import Unavailable

FOLDER: Final = Path(__file__).parents[1] / ".local" / "chaos"
CALM_LIMIT_S: Final = 60.0  # guarantee G4
OPEN_FILES: Final = 1024  # what a login shell gives: no part may need more
_AFTER_S: Final = 4.0  # the load goes on so long after the last fault: its recovery is seen
_POLL_S: Final = 0.25
_INJECT_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of everything; `recovery_s` is the limit of a recovery."""

    faults: Sequence[str]
    gap_s: tuple[float, float]
    longest_s: float
    recovery_s: float


# The smoke shares two cores with a whole test suite: its recovery limit finds what never returns.
SMOKE_SIZE: Final = Size(faults=SMOKE, gap_s=(1.0, 2.4), longest_s=3.0, recovery_s=15.0)
LONG_SIZE: Final = Size(faults=LONG, gap_s=(2.0, 8.0), longest_s=15.0, recovery_s=3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    seed: int
    broker: BrokerKind
    minutes: float
    size: Size
    record: bool


async def run(options: Options, folder: Path) -> report.Outcome:
    """Run once, and judge. Raises HarnessFailed when no verdict is possible."""
    length_s = options.minutes * 60
    planned = plan(options.seed, options.size.faults, options.size.gap_s, length_s)
    async with open_shop(folder, options.broker) as shop, open_messages(shop) as messages:
        operations = OperationLog(folder / "operations.jsonl")
        market = await open_market(shop.urls, operations, options.seed)
        buyers = await crowd(market, options.seed)
        scene = Scene(shop, messages, options.size.longest_s)
        struck, load_ended = await _under_load(scene, market, buyers, planned)
        print(f"{'':7} faults are over, waiting for calm", flush=True)
        calm_s, left = await _calm(messages)
        operations.close()
        for person in (*buyers, *market.sellers):
            await person.close()
        evidence = await _evidence(scene, market, struck, load_ended, options.size.recovery_s)
        return await _verdict(options, scene, evidence, calm_s, left)


async def _under_load(
    scene: Scene, market: Market, buyers: Sequence[Buyer], planned: Sequence[Planned]
) -> tuple[Sequence[Struck], float]:
    """Let the faults happen while the buyers live; return them, and when the market closed."""
    struck: list[Struck] = []
    began = time.monotonic()

    async def strike(planned: Planned) -> None:
        await asyncio.sleep(began + planned.at_s - time.monotonic())
        print(f"{planned.at_s:6.1f}  {planned.name}", flush=True)
        begun = time.time()
        part = await FAULTS[planned.name](scene, Random(planned.seed))
        struck.append(Struck(planned.name, part, begun, time.time()))

    async with asyncio.TaskGroup() as load:
        for buyer in buyers:
            load.create_task(buyer.live())
        async with asyncio.TaskGroup() as faults:
            for each in planned:
                faults.create_task(strike(each))
        await asyncio.sleep(_AFTER_S)
        market.closing, closed_at = True, time.time()
    return struck, closed_at


async def _calm(messages: Messages) -> tuple[float | None, Sequence[str]]:
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


async def _evidence(
    scene: Scene, market: Market, struck: Sequence[Struck], load_ended: float, limit_s: float
) -> Evidence:
    kept = await books.read(scene.messages.database)
    operations = market.log.operations
    return Evidence(
        operations=operations,
        books=kept,
        injected=scene.messages.injected,
        struck=struck,
        recoveries=recoveries(struck, operations, kept.paid_at, load_ended),
        surprises=[
            *(each for part in scene.shop.parts.values() for each in part.surprises),
            *logs.findings(scene.shop.folder / "log"),
        ],
        stores={seller.name: seller.store_id for seller in market.sellers},
        limit_s=limit_s,
    )


async def _verdict(
    options: Options, scene: Scene, evidence: Evidence, calm_s: float | None, left: Sequence[str]
) -> report.Outcome:
    database = scene.messages.database
    audit = await check(database, calm_s=0)
    if audit.verdict is Verdict.NOT_CHECKABLE:
        raise HarnessFailed("the database is away at the end")
    broken = [
        *(Broken("calm", f"{what} is on its way after {CALM_LIMIT_S:.0f} s") for what in left),
        *(
            Broken(finding.invariant.name, f"{one.kind} {one.id}: {finding.invariant.sentence}",
                   one.id if one.kind == "order" else "")
            for finding in audit.broken
            for one in finding.offenders
        ),
        *judge(evidence),
    ]  # fmt: skip
    told = next((each.order_id for each in broken if each.order_id in evidence.books.orders), "")
    return report.Outcome(
        seed=options.seed,
        broker=options.broker,
        minutes=options.minutes,
        evidence=evidence,
        kills={part.name: part.kills for part in scene.shop.parts.values()},
        calm_s=calm_s,
        audit=audit,
        broken=broken,
        story=[
            f"{each.at:%H:%M:%S.%f} {each.kind} {each.text}"
            for each in (await story(database, UUID(told)) if told else [])
        ],
    )


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--broker", choices=("nsq", "streams"), default=_broker())
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--smoke", action="store_true", help="one short round of 20 faults")
    parser.add_argument("--record", action="store_true", help="append a row to the table in docs")
    given = parser.parse_args()
    return Options(
        seed=given.seed,
        broker=given.broker,
        minutes=0.0 if given.smoke else given.minutes,
        size=SMOKE_SIZE if given.smoke else LONG_SIZE,
        record=given.record,
    )


def _broker() -> BrokerKind:
    if (BINARIES / "nsqd").exists():
        return "nsq"
    print("NO .local/bin/nsqd: CHAOS RUNS ON REDIS STREAMS, NOT ON NSQ (make nsq)", flush=True)
    return "streams"


def main() -> None:
    options = _options()
    print(f"chaos seed {options.seed}, broker {options.broker}", flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    folder = FOLDER / f"{options.seed}-{options.broker}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "log").mkdir(mode=0o700, parents=True)
    try:
        with (folder / "log" / "harness.log").open("w") as harness, redirect_stderr(harness):
            log.configure("chaos", human=False)
            outcome = asyncio.run(run(options, folder))
    except HarnessFailed as fault:
        sys.exit(f"chaos: {fault}; see {folder}")
    print("\n".join(report.lines(outcome)), flush=True)
    (folder / "broken.txt").write_text("\n".join(map(str, outcome.broken)), encoding="utf-8")
    if options.record:
        report.record(outcome)
    if outcome.broken:
        sys.exit(f"see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
