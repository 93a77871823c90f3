"""
What must hold before the store service starts: secrets, reachable parts, migrations, durability.

Asked once, before any of its processes. BadSetting ends in exit code 78, Unavailable in 1.
"""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from pasar.kit import failpoints, revision
from pasar.kit.database import Database
from pasar.kit.errors import Unavailable
from pasar.kit.settings import BadSetting
from pasar.store_service.config import StoreConfig
from pasar.store_service.web.address import networks
from pasar.store_service.web.cors import origins

SECRET_BYTES: Final = 32  # RFC 7518 section 3.2: HS256 wants a key as long as its hash
_PUBLISHED: Final = {"a-string-secret-at-least-256-bits-long"}  # every debugger of tokens shows it
_MIGRATIONS: Final = Path(__file__).parent / "migrations"

DURABILITY: Final = """
SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commits
"""


def bad_settings(config: StoreConfig) -> list[BadSetting]:
    """Judge what can be judged alone, such as what signs tokens and events (D5, H55)."""
    faults: list[BadSetting] = []
    try:
        networks(config.trusted_proxies)
    except ValueError as fault:
        faults.append(BadSetting("TRUSTED_PROXIES", str(fault)))
    try:
        origins(config.cors_allowed_origins)
    except ValueError as fault:
        faults.append(BadSetting("CORS_ALLOWED_ORIGINS", str(fault)))
    try:
        config.payment_authority()
    except BadSetting as fault:
        faults.append(fault)
    try:
        failpoints.arm(config.pasar_failpoints, app_env=config.app_env)
    except BadSetting as fault:
        faults.append(fault)
    faults += _weak("JWT_SECRET", config.jwt_secret)
    if config.jwt_secret_previous:
        faults += _weak("JWT_SECRET_PREVIOUS", config.jwt_secret_previous)
    if config.event_signing_key or config.app_env == "production":
        faults += _weak("EVENT_SIGNING_KEY", config.event_signing_key)
    if config.payment_service_token or config.app_env == "production":
        faults += _weak("PAYMENT_SERVICE_TOKEN", config.payment_service_token)
    if config.app_env == "production":
        faults += _plaintext(config)
    if bool(config.admin_email) != bool(config.admin_password):
        faults.append(BadSetting("ADMIN_EMAIL", "goes with ADMIN_PASSWORD"))
    return faults


def _plaintext(config: StoreConfig) -> list[BadSetting]:
    """Name what would be talked to over a network for all to read (H55)."""
    allowed = {host.strip() for host in config.allow_insecure.split(",")}
    payment = config.payment_grpc_addr.rpartition(":")[0]
    peers = (
        ("DB_SSLMODE", config.db_host, config.db_sslmode in {"disable", "allow", "prefer"}),
        ("PAYMENT_GRPC_CA_FILE", payment, not config.payment_grpc_ca_file),
    )
    return [
        BadSetting(variable, f"plaintext to {host}, which ALLOW_INSECURE does not name")
        for variable, host, plain in peers
        if plain and not _is_local(host) and host not in allowed
    ]


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")  # the latter is a socket file


def refuse(faults: Sequence[BadSetting]) -> None:
    """Raise all of them as one ExceptionGroup, if there are any."""
    if faults:
        raise ExceptionGroup("bad configuration", list(faults))


async def check_schema(database: Database) -> None:
    """Raise Unavailable unless the schema stands at the newest migration."""
    if await revision.current(database, "public") != revision.newest(_MIGRATIONS):
        raise Unavailable("migrations pending: run `pasar migrate`")


async def is_durable(database: Database) -> bool:
    """Tell whether the server keeps what it confirmed: it may not forget a paid order (H26)."""
    row = await database.fetch_one(DURABILITY)
    return row is not None and row["fsync"] == "on" and row["commits"] != "off"


async def reached(part: str, check: Callable[[], Awaitable[object]]) -> None:
    """Ask a part. Raises Unavailable, naming it and where it was looked for."""
    try:
        await check()
    except Unavailable as fault:
        raise Unavailable(f"{part}: {fault.__cause__ or fault.message}") from fault


def _weak(variable: str, secret: str) -> list[BadSetting]:
    if len(secret.encode()) < SECRET_BYTES:
        return [BadSetting(variable, f"at least {SECRET_BYTES} bytes are needed")]
    return [BadSetting(variable, "this value is published")] if secret in _PUBLISHED else []
