"""PostgreSQL from the variables `DB_*`: adopted, or our own."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from pasar.engines.decisions import Decision, Named, Whose, own_or_ours, port_number
from pasar.engines.errors import EngineError
from pasar.engines.parts import Starter, bind_address
from pasar.engines.postgres import Postgres
from pasar.engines.postgres_login import OWNER, PostgresLogin, SslMode, greet

_WITHOUT_TLS: Final[tuple[SslMode, ...]] = ("disable", "allow", "prefer")
_WITH_TLS: Final[tuple[SslMode, ...]] = ("require", "verify-ca", "verify-full")


async def launch_postgres(starter: Starter) -> None:
    """Adopt the server that is named, or start ours with the given user and database name."""
    login = _login(starter.given)
    named = Named(
        engine="PostgreSQL",
        variable="DB_HOST",
        host=login.host,
        port=login.port,
        is_set=bool({"DB_HOST", "DB_PORT"} & starter.given.keys()),
        greet=partial(greet, login),
    )
    decision = await own_or_ours(named)
    if decision.whose is Whose.EXTERNAL:
        starter.adopt("postgres", named, decision)
    else:
        login = await _start_ours(starter, login, decision)
    starter.found |= {
        "DB_HOST": login.host,
        "DB_PORT": str(login.port),
        "DB_USER": login.user,
        "DB_PASSWORD": login.password,
        "DB_NAME": login.database,
    }


async def _start_ours(starter: Starter, login: PostgresLogin, decision: Decision) -> PostgresLogin:
    _check_embeddable(login)
    secrets = starter.directory.secrets
    login = replace(
        login,
        host=bind_address(login.host),
        password=login.password or secrets.postgres_password,
    )

    def make(ports: Mapping[str, int]) -> Postgres:
        return Postgres(
            folder=starter.directory.path,
            log=starter.directory.log("postgres"),
            account=replace(login, port=ports["DB_PORT"]),
            owner_password=secrets.postgres_owner_password,
        )

    wanted = login.port if decision.whose is Whose.OURS_EXACTLY_THERE else None
    ports = await starter.start("postgres", decision, login.host, {"DB_PORT": wanted}, make)
    return replace(login, port=ports["DB_PORT"])


def _login(given: Mapping[str, str]) -> PostgresLogin:
    return PostgresLogin(
        host=given.get("DB_HOST", "localhost"),
        port=port_number("DB_PORT", given.get("DB_PORT", "5432")),
        user=given.get("DB_USER", "postgres"),
        password=given.get("DB_PASSWORD", ""),
        database=given.get("DB_NAME", "mini_go_ecommerce"),
        sslmode=_sslmode(given.get("DB_SSLMODE", "disable")),
    )


def _sslmode(text: str) -> SslMode:
    for mode in (*_WITHOUT_TLS, *_WITH_TLS):
        if text == mode:
            return mode
    raise EngineError(f"invalid DB_SSLMODE: {text!r} is no mode of libpq")


def _check_embeddable(login: PostgresLogin) -> None:
    if login.sslmode in _WITH_TLS:
        raise EngineError(
            f"DB_SSLMODE={login.sslmode}: the embedded PostgreSQL has no TLS; "
            "unset it or set DB_HOST to a server of your own"
        )
    if login.user == OWNER:
        raise EngineError(f"DB_USER={OWNER} is the embedded server's own account; choose another")
