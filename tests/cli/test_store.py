"""`pasar store` alone: what must be there, who may not be admin, and how it ends."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.cli.command import command_line, free, run
from tests.cli.conftest import Starting
from tests.fixtures.database import administer
from tests.waiting import wait_until

SECRETS = {
    "JWT_SECRET": "a secret of these tests, 32 bytes and more",
    "EVENT_SIGNING_KEY": "a key of these tests, 32 bytes and more",
    "PAYMENT_SERVICE_TOKEN": "a token of these tests, 32 bytes and more",
}
ADMIN = {"ADMIN_EMAIL": "boss@example.com", "ADMIN_PASSWORD": "correct horse battery"}


async def test_it_serves_without_a_broker(start: Starting, engines: Mapping[str, str]) -> None:
    store = start("store", **engines, **SECRETS, **free("APP_PORT"), NSQD_ADDR="127.0.0.1:1")
    store.says("worker started")
    async with client(store.variables) as http:
        ready = await http.get("/ready")
    store.interrupt()

    assert ready.status_code == 200
    assert store.ends() == 0
    store.leaves_nobody(within_s=1)


@pytest.mark.parametrize("part", ["DB_PORT", "REDIS_PORT"])
async def test_it_does_not_start_without_an_engine(
    part: str, engines: Mapping[str, str], folder: Path
) -> None:
    refused = run("store", folder=folder, **{**engines, **SECRETS, **free("APP_PORT"), part: "1"})

    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(
        f"pasar: {'PostgreSQL' if part == 'DB_PORT' else 'Redis'} at 127.0.0.1:1"
    )


async def test_it_asks_for_migrations(
    engines: Mapping[str, str], owner_settings: PostgresSettings, folder: Path
) -> None:
    empty = f"empty_{uuid4().hex}"
    await administer(owner_settings, f"CREATE DATABASE {empty}")
    there = {**engines, "DB_NAME": empty, **SECRETS, **free("APP_PORT")}
    before = run("store", folder=folder, **there)
    migrated = run("migrate", folder=folder, **there)
    undone = run("migrate", "--down", folder=folder, **there)
    await administer(owner_settings, f"DROP DATABASE {empty}")

    assert before.returncode == 1
    assert "migrations pending: run `pasar migrate`" in before.stderr
    assert migrated.returncode == 0, migrated.stderr
    assert undone.returncode == 0, undone.stderr


async def test_d50_h26_h55_production_refuses_the_known_admin_and_a_forgetful_server(
    engines: Mapping[str, str], folder: Path
) -> None:
    """The tests' server runs without fsync."""
    production = {**engines, **SECRETS, **free("APP_PORT"), "APP_ENV": "production"}
    fresh = run("store", folder=folder, **production)
    created = run("create-admin", folder=folder, **production, **ADMIN)
    later = run("store", folder=folder, **production)

    assert fresh.returncode == later.returncode == 78
    assert fresh.stderr.splitlines() == [KNOWN_ADMIN, FORGETFUL]
    assert created.returncode == 0, created.stderr
    assert later.stderr.splitlines() == [FORGETFUL]


async def test_the_admin_of_the_variables_takes_the_place_of_the_known_one(
    start: Starting, engines: Mapping[str, str], database: PostgresDatabase
) -> None:
    store = start("store", **engines, **SECRETS, **ADMIN, **free("APP_PORT"))
    store.says("worker started")
    admins = await database.fetch(
        "SELECT email FROM users WHERE role = 'admin' AND disabled_at IS NULL"
    )
    store.interrupt()

    assert store.ends() == 0
    assert [row["email"] for row in admins] == [ADMIN["ADMIN_EMAIL"]]
    assert "seeded admin" not in store.logged


async def test_whoever_was_being_served_gets_an_answer(
    start: Starting, engines: Mapping[str, str]
) -> None:
    """Fifty wrong logins, two hashed at once: when the first is answered the others run."""
    slow = {"ARGON2_TIME": "20", "ARGON2_MEMORY": "1024", "LOGIN_ACCOUNT_LIMIT": "0"}
    store = start("store", **{**engines, **SECRETS, **free("APP_PORT"), **slow})
    store.says("worker started")
    login = {"email": "admin@example.com", "password": "wrong"}
    async with client(store.variables) as http:
        asking = [
            asyncio.ensure_future(http.post("/api/v1/auth/login", json=login)) for _ in range(50)
        ]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        answered = sum(one.done() for one in asking)
        store.process.terminate()
        answers = await asyncio.gather(*asking)

    assert answered < 25
    assert {answer.status_code for answer in answers} == {401}
    assert store.ends() == 0


async def test_a_second_signal_ends_the_drain(start: Starting, engines: Mapping[str, str]) -> None:
    store = start("store", **engines, **SECRETS, **free("APP_PORT"), APP_DRAIN_DELAY="60s")
    store.says("worker started")
    async with client(store.variables) as http:
        assert (await http.get("/ready")).status_code == 200
        [web] = store.descendants("store-web")
        store.interrupt()
        while (await http.get("/ready")).status_code == 200:
            await asyncio.sleep(0.02)
    assert command_line(web)
    store.interrupt()

    wait_until(lambda: store.process.poll() is not None, within_s=5)
    assert store.ends() == 0
    store.leaves_nobody(within_s=1)


async def test_h33_a_killed_worker_is_back_and_the_shop_stays_ready(
    start: Starting, engines: Mapping[str, str]
) -> None:
    store = start("store", **engines, **SECRETS, **free("APP_PORT"))
    store.says("worker started")
    began = time.monotonic()
    store.kill("store-worker")
    took_s = time.monotonic() - began
    store.says("worker started", count=2)
    async with client(store.variables) as http:
        ready = await http.get("/ready")
    store.interrupt()

    assert took_s < 2
    assert ready.status_code == 200
    assert store.ends() == 0


async def test_h33_a_stuck_worker_makes_the_shop_not_ready_until_it_goes_on(
    start: Starting, engines: Mapping[str, str]
) -> None:
    store = start("store", **engines, **SECRETS, **free("APP_PORT"), WORKER_HEARTBEAT_LIMIT="600ms")
    store.says("worker started")
    [worker] = store.descendants("store-worker")
    async with client(store.variables) as http:
        os.kill(worker, signal.SIGSTOP)
        while (stuck := await http.get("/ready")).status_code == 200:
            await asyncio.sleep(0.02)
        alive = await http.get("/health")
        os.kill(worker, signal.SIGCONT)
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.02)
    store.interrupt()

    assert stuck.json()["errors"][0]["message"] == "not ready: worker"
    assert alive.status_code == 200
    assert store.ends() == 0


KNOWN_ADMIN = (
    "pasar: invalid APP_ENV: the seeded admin is in force: "
    "set ADMIN_EMAIL, or run `pasar create-admin`"
)
FORGETFUL = "pasar: invalid DB_HOST: fsync or synchronous_commit is off there"


def client(variables: Mapping[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{variables['APP_PORT']}", timeout=20)
