"""
What is done before the store service's processes are started, by a process that ends then.

What it asks is in `preflight.py`. It also sets up the administrator, at the start or by a command.
"""

from dataclasses import replace
from functools import partial
from typing import Final

from pasar.kit import log
from pasar.kit.errors import Conflict, Invalid, Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.settings import BadSetting
from pasar.store_service import preflight
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.config import StoreConfig
from pasar.store_service.core import nobody, open_core
from pasar.store_service.sign_in import sign_in

_log: Final = log.get("preflight")


async def prepare(config: StoreConfig) -> None:
    """
    Ask, before any process is started, for what the service cannot start without.

    The broker is not among it (contract section 12). The admin of the variables, if any, is set up
    here while the seeded one is in force (contract D50).

    Raises:
        ExceptionGroup: one BadSetting for each reason to refuse.
        Unavailable: PostgreSQL or Redis is away, or the schema is not up to date.
    """
    faults = preflight.bad_settings(config)
    try:
        faults += await _refusals(config)
    except Unavailable:
        preflight.refuse(faults)
        raise
    preflight.refuse(faults)


async def _refusals(config: StoreConfig) -> list[BadSetting]:
    """Ask the engines. With the login's own rights first: an unmigrated server has no roles."""
    login = await PostgresDatabase.open(replace(config.postgres(1), role="none"))
    core = await open_core(config, pool_size=1, wake=nobody)
    signing_in = sign_in(config, core.database, core.ids)
    faults: list[BadSetting] = []
    try:
        await preflight.reached(
            f"PostgreSQL at {config.db_host}:{config.db_port}",
            partial(preflight.check_schema, login),
        )
        await preflight.reached(
            f"Redis at {config.redis_host}:{config.redis_port}",
            partial(core.redis.execute_command, "PING"),
        )
        if await signing_in.accounts.default_admin_in_force():
            faults += await _replace_admin(config, signing_in.accounts)
        if config.app_env == "production" and not await preflight.is_durable(login):
            faults.append(BadSetting("DB_HOST", "fsync or synchronous_commit is off there"))
    finally:
        await login.close()
        signing_in.passwords.close()
        await core.close()
    return faults


async def _replace_admin(config: StoreConfig, accounts: AccountService) -> list[BadSetting]:
    """Make the configured admin; without one production refuses and development warns."""
    known = "the seeded admin is in force: set ADMIN_EMAIL, or run `pasar create-admin`"
    if config.admin_email:
        try:
            await accounts.create_admin(config.admin_email, config.admin_password, "Admin")
        except (Invalid, Conflict) as fault:
            return [BadSetting("ADMIN_EMAIL", fault.message)]
    elif config.app_env == "production":
        return [BadSetting("APP_ENV", known)]
    else:
        _log.warning(known)
    return []


async def create_admin(config: StoreConfig, email: str, password: str, name: str) -> None:
    """Set up an administrator. Raises kit.errors.Invalid, Conflict, Unavailable."""
    core = await open_core(config, pool_size=1, wake=nobody)
    signing_in = sign_in(config, core.database, core.ids)
    try:
        await signing_in.accounts.create_admin(email, password, name)
    finally:
        signing_in.passwords.close()
        await core.close()
