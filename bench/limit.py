"""
The physical limit of checkout: its two statements alone, asked by pgbench.

No HTTP, no crowd lock, no broker and no payments, in a database of its own on the same server.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from typing import Final

from bench.plant import GROUND, growth, id_of
from bench.shop import DATA, BenchFailed, as_owner, ask, child
from pasar.engines.datadir import Run
from pasar.engines.wheels import postgres_binaries
from pasar.store_service.cart.postgres import ADD
from pasar.store_service.orders.postgres import CHECKOUT

CLIENTS: Final = 16
DATABASE: Final = "checkout_limit"
SECONDS: Final = 5
PRODUCTS: Final = 1000  # each fiftieth of them has a buyer

_BUYER: Final = id_of("user", ":client_id::int")
_ADDED: Final[Mapping[str, str]] = {
    "$1": f"ARRAY[{_BUYER}]",
    "$2": f"ARRAY[{id_of('ware', ':ware::int')}]",
    "$3": "ARRAY[1]",
    "$4": "100",
    "$5": "NULL",
}
_ORDERED: Final[Mapping[str, str]] = {
    "$1": "ARRAY[gen_random_uuid()]",
    "$2": f"ARRAY[{_BUYER}]",
    "$3": "ARRAY['Jl. Merdeka 1']",
    "$4": "ARRAY[gen_random_uuid()]",
    "$5": "ARRAY['pgbench']",
    "$6": "ARRAY[NULL]",
    "$7": "'IDR'",
    "$8": "9999999999999.99",
}
_RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def script() -> str:
    """Return a cart addition and its checkout as pgbench reads them."""
    # pgbench would take the minutes of a time pattern for a variable of its own.
    checkout = _filled(CHECKOUT, _ORDERED).replace("HH24:MI:SS", 'HH24":"MI":"SS')
    return f"\\set ware random(0, {PRODUCTS - 1})\n{_filled(ADD, _ADDED)};\n{checkout};\n"


async def checkouts_per_s(run: Run) -> float:
    """Return how many carts are filled and ordered per second. Raises BenchFailed."""
    await ask(run, f"CREATE DATABASE {DATABASE}")
    variables = {**run.variables, "DB_NAME": DATABASE}
    async with child("migrate", sys.executable, "-m", "pasar", "migrate", **variables) as migrate:
        if await migrate.wait():
            raise BenchFailed(f"the limit's database is not migrated; see {DATA}/migrate.log")
    async with as_owner(run, DATABASE) as owner:
        for statement in (*GROUND, *growth(0, PRODUCTS)):
            await owner.execute(statement)
        await owner.execute("VACUUM ANALYZE")
    return await _pgbench(run)


async def _pgbench(run: Run) -> float:
    file = DATA / "checkout.sql"
    file.write_text(script(), encoding="utf-8")
    known = run.variables
    login = ("-h", known["DB_HOST"], "-p", known["DB_PORT"], "-U", known["DB_USER"])
    asked = ("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS))
    process = await asyncio.create_subprocess_exec(
        str(postgres_binaries() / "pgbench"), *login, *asked, "-f", str(file), DATABASE,
        env={**os.environ, "PGPASSWORD": known["DB_PASSWORD"]},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    rate = _RATE.search(said.decode())
    if process.returncode or rate is None:
        raise BenchFailed("pgbench could not run the checkout")
    return float(rate[1])


def _filled(sql: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\d+", lambda parameter: values[parameter[0]], sql)
