"""`pasar reconcile`: the exit code says whether the books agree, the lines how they differ."""

from collections.abc import Mapping
from pathlib import Path

from pasar.kit.postgres import PostgresDatabase
from tests.cli.command import free, run
from tests.cli.conftest import Starting

TOKEN = {"PAYMENT_SERVICE_TOKEN": "a token of these tests, 32 bytes and more"}
STRANGE = """
INSERT INTO payment.charges (order_id, payment_id, method, amount, currency, status, next_at)
VALUES ('not one of ours', 'pay_1', 'mock', 5, 'IDR', 'success', now())
"""


async def test_books_are_compared_with_the_running_payment_service(
    start: Starting, engines: Mapping[str, str], owner: PostgresDatabase, folder: Path
) -> None:
    payment = start("payment", **engines, **TOKEN, **free("PAYMENT_GRPC_PORT"), BROKER="streams")
    payment.says("ready")
    address = f"127.0.0.1:{payment.variables['PAYMENT_GRPC_PORT']}"
    there = {**engines, **TOKEN, "PAYMENT_GRPC_ADDR": address}
    agreed = run("reconcile", folder=folder, **there)
    await owner.execute(STRANGE)
    differing = run("reconcile", folder=folder, **there)
    payment.interrupt()

    assert (agreed.returncode, agreed.stdout) == (0, "0 charges compared\n"), agreed.stderr
    assert differing.returncode == 1
    assert differing.stdout == "1 charges compared\n     1  charge without an order here\n"
    assert payment.ends() == 0


def test_without_the_payment_service_nothing_is_compared(
    engines: Mapping[str, str], folder: Path
) -> None:
    nobody = free("PAYMENT_GRPC_PORT")["PAYMENT_GRPC_PORT"]
    refused = run("reconcile", folder=folder, **engines, PAYMENT_GRPC_ADDR=f"127.0.0.1:{nobody}")

    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "pasar: payment service: UNAVAILABLE"
