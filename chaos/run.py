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
from typing import Final

from chaos import report, results
from chaos.engines import BINARIES
from chaos.faults import Scene
from chaos.load import Buyer, crowd, open_market
from chaos.messages import open_messages
from chaos.oplog import OperationLog
from chaos.people import Market
from chaos.plan import LONG, SMOKE, STORMS, plan
from chaos.processes import HarnessFailed
from chaos.shop import BrokerKind, open_shop
from chaos.strikes import Strikes
from chaos.verdict import calm, evidence, verdict
from pasar.kit import log

FOLDER: Final = Path(__file__).parents[1] / ".local" / "chaos"
OPEN_FILES: Final = 1024  # what a login shell gives: no part may need more
_AFTER_S: Final = 4.0  # the load goes on so long after the last fault: its recovery is seen
_STORMY_ORDERS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of everything; `recovery_s` is the limit of a recovery."""

    faults: Sequence[str] = ()
    gap_s: tuple[float, float] = (0, 0)
    longest_s: float
    recovery_s: float


# The smoke shares two cores with a whole test suite: its recovery limit finds what never returns.
SMOKE_SIZE: Final = Size(faults=SMOKE, gap_s=(1.0, 2.4), longest_s=3.0, recovery_s=15.0)
LONG_SIZE: Final = Size(faults=LONG, gap_s=(2.0, 8.0), longest_s=15.0, recovery_s=3.0)
# In a storm the next kill comes before a recovery is over.
STORM_SIZE: Final = Size(longest_s=3.0, recovery_s=15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`storm`: its name, or "" for a plan; it lasts until `orders` are acknowledged."""

    seed: int
    broker: BrokerKind
    minutes: float
    size: Size
    storm: str
    orders: int
    record: bool

    @property
    def kind(self) -> str:
        return f"{self.storm} storm" if self.storm else f"{self.minutes:g} min"


async def run(options: Options, folder: Path) -> report.Outcome:
    """Run once, and judge. Raises HarnessFailed when no verdict is possible."""
    async with open_shop(folder, options.broker) as shop, open_messages(shop) as messages:
        operations = OperationLog(folder / "operations.jsonl")
        market = await open_market(shop.urls, operations, options.seed)
        buyers = await crowd(market, options.seed)
        strikes = Strikes(Scene(shop, messages, options.size.longest_s))
        closed_at = await _under_load(options, strikes, market, buyers)
        print(f"{'':7} faults are over, waiting for calm", flush=True)
        calm_s, left = await calm(messages)
        operations.close()
        for person in (*buyers, *market.sellers):
            await person.close()
        found = await evidence(messages, market, strikes.struck, closed_at, options.size.recovery_s)
        judged = await verdict(messages, found, left)
        return report.Outcome(
            seed=options.seed,
            broker=options.broker,
            kind=options.kind,
            evidence=found,
            kills={part.name: part.kills for part in shop.parts.values()},
            calm_s=calm_s,
            verdict=judged,
        )


async def _under_load(
    options: Options, strikes: Strikes, market: Market, buyers: Sequence[Buyer]
) -> float:
    """Let the faults happen while the buyers live, and return when the market closed."""
    async with asyncio.TaskGroup() as load:
        for buyer in buyers:
            load.create_task(buyer.live())
        if options.storm:
            await strikes.rage(
                STORMS[options.storm],
                options.seed,
                over=lambda: len(market.log.orders) >= options.orders,
            )
        else:
            length_s, size = options.minutes * 60, options.size
            await strikes.follow(plan(options.seed, size.faults, size.gap_s, length_s))
        await asyncio.sleep(_AFTER_S)
        market.closing, closed_at = True, time.time()
    return closed_at


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--broker", choices=("nsq", "streams"), default=_broker())
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--smoke", action="store_true", help="one short round of 20 faults")
    parser.add_argument("--storm", choices=STORMS, default="", help="instead: one fault for ever")
    parser.add_argument("--orders", type=int, default=_STORMY_ORDERS, help="that end a storm")
    parser.add_argument("--record", action="store_true", help="append a row to the table in docs")
    given = parser.parse_args()
    return Options(
        seed=given.seed,
        broker=given.broker,
        minutes=0.0 if given.smoke else given.minutes,
        size=SMOKE_SIZE if given.smoke else STORM_SIZE if given.storm else LONG_SIZE,
        storm=given.storm,
        orders=given.orders,
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
    broken = outcome.verdict.broken
    (folder / "broken.txt").write_text("\n".join(map(str, broken)), encoding="utf-8")
    if options.record:
        print(results.record(outcome), flush=True)
    if broken:
        sys.exit(f"see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
