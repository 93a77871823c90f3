"""Valkey or Redis from the variables `REDIS_*`: adopted, or our own."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from pasar.engines.decisions import Decision, Named, Whose, own_or_ours, port_number
from pasar.engines.parts import Starter, bind_address
from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import ValkeyLogin, greet, info


async def launch_valkey(starter: Starter, *, streams: bool) -> None:
    """Adopt the server that is named, or start ours; with `streams` it carries the messages."""
    given = starter.given
    login = ValkeyLogin(
        host=given.get("REDIS_HOST", "localhost"),
        port=port_number("REDIS_PORT", given.get("REDIS_PORT", "6379")),
        password=given.get("REDIS_PASSWORD", ""),
    )
    named = Named(
        engine="Redis or Valkey",
        variable="REDIS_HOST",
        host=login.host,
        port=login.port,
        is_set=bool({"REDIS_HOST", "REDIS_PORT"} & given.keys()),
        greet=partial(greet, login),
    )
    decision = await own_or_ours(named)
    if decision.whose is Whose.EXTERNAL:
        starter.adopt("valkey", named, decision)
        if streams:
            starter.warnings += _faults_as_broker(named, await info(login))
    else:
        login = await _start_ours(starter, login, decision)
    starter.found |= {
        "REDIS_HOST": login.host,
        "REDIS_PORT": str(login.port),
        "REDIS_PASSWORD": login.password,
    }


async def _start_ours(starter: Starter, login: ValkeyLogin, decision: Decision) -> ValkeyLogin:
    login = replace(
        login,
        host=bind_address(login.host),
        password=login.password or starter.directory.secrets.valkey_password,
    )

    def make(ports: Mapping[str, int]) -> Valkey:
        return Valkey(
            folder=starter.directory.path,
            log=starter.directory.log("valkey"),
            login=replace(login, port=ports["REDIS_PORT"]),
        )

    wanted = login.port if decision.whose is Whose.OURS_EXACTLY_THERE else None
    ports = await starter.start("valkey", decision, login.host, {"REDIS_PORT": wanted}, make)
    return replace(login, port=ports["REDIS_PORT"])


def _faults_as_broker(named: Named, facts: Mapping[str, str]) -> list[str]:
    faults: list[str] = []
    if facts.get("maxmemory_policy") != "noeviction":
        faults.append(f"{named}: maxmemory-policy is not noeviction, so messages may be evicted")
    if facts.get("aof_enabled") != "1":
        faults.append(f"{named}: appendonly is off, so messages are lost with the process")
    return faults
