"""
What must hold before the store service starts: secrets, reachable parts, migrations, durability.

Asked once, by the parent of its processes. BadSetting ends in exit code 78, NotReachable in 1.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from pasar.kit import log
from pasar.kit.database import Database
from pasar.kit.errors import Unavailable
from pasar.kit.settings import BadSetting
from pasar.store_service.config import StoreConfig
from pasar.store_service.web.address import networks
from pasar.store_service.web.cors import origins

SECRET_BYTES: Final = 32  # RFC 7518 section 3.2: HS256 wants a key as long as its hash
_PUBLISHED: Final = {"a-string-secret-at-least-256-bits-long"}  # every debugger of tokens shows it

REVISION: Final = "SELECT version_num FROM alembic_version"
DURABILITY: Final = """
SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commits
"""

_log: Final = log.get("preflight")


class NotReachable(Exception):
    """A part that the service needs at its start is away; `str()` is one line."""


def check_secret(variable: str, secret: str) -> None:
    """Refuse a key that can be guessed. Raises BadSetting."""
    if len(secret.encode()) < SECRET_BYTES:
        raise BadSetting(variable, f"at least {SECRET_BYTES} bytes are needed")
    if secret in _PUBLISHED:
        raise BadSetting(variable, "this value is published")


def check_settings(config: StoreConfig) -> None:
    """Judge what signs tokens and events (contract D5), proxies and origins. Raises BadSetting."""
    try:
        networks(config.trusted_proxies)
    except ValueError as fault:
        raise BadSetting("TRUSTED_PROXIES", str(fault)) from fault
    try:
        origins(config.cors_allowed_origins)
    except ValueError as fault:
        raise BadSetting("CORS_ALLOWED_ORIGINS", str(fault)) from fault
    check_secret("JWT_SECRET", config.jwt_secret)
    if config.event_signing_key:
        check_secret("EVENT_SIGNING_KEY", config.event_signing_key)


async def check_schema(database: Database, newest: str) -> None:
    """Raise Unavailable unless the database stands at the newest migration."""
    row = await database.fetch_one(REVISION)
    if row is None or row["version_num"] != newest:
        raise Unavailable("migrations pending: run `pasar migrate`")


async def check_durability(database: Database) -> None:
    """Refuse a server that may forget a paid order (reliability H26). Raises BadSetting."""
    row = await database.fetch_one(DURABILITY)
    if row is None or row["fsync"] != "on" or row["commits"] == "off":
        raise BadSetting("DB_HOST", "this server runs with fsync or synchronous_commit off")


async def check_admin(config: StoreConfig, default_in_force: Callable[[], Awaitable[bool]]) -> None:
    """Refuse, in development warn of, the admin whose password everybody knows (contract D50)."""
    if not await default_in_force():
        return
    if config.app_env == "production":
        raise BadSetting("APP_ENV", "the seeded admin is in force: run `pasar create-admin`")
    _log.warning("the seeded admin is in force: run `pasar create-admin`")


async def reached(part: str, check: Callable[[], Awaitable[object]]) -> None:
    """Ask a part. Raises NotReachable, naming it and where it was looked for."""
    try:
        await check()
    except Unavailable as fault:
        raise NotReachable(f"{part}: {fault.message}") from fault
