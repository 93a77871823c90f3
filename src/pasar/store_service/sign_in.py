"""
The composition root's corner for identity: what opens, renews, ends and judges sessions.

`main.py` connects the rest.
"""

from dataclasses import dataclass, replace
from typing import Final

from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.ids import Ids
from pasar.kit.passwords import Passwords
from pasar.kit.tokens import RememberedTokens, TokenSigner, TokenVerifier
from pasar.store_service.accounts.in_process import LiveTokens
from pasar.store_service.accounts.postgres import PostgresLoginWindows, PostgresUsers
from pasar.store_service.accounts.postgres_sessions import PostgresSessions
from pasar.store_service.accounts.repository import Users
from pasar.store_service.accounts.rules import STRONG, PasswordRule
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.accounts.sessions import Issuer, SessionService
from pasar.store_service.config import StoreConfig

ANY_NUMBER: Final = 2**31 - 1  # a window of this many failed logins is as good as none


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """`live_tokens` judges the tokens of requests, and knows whose sessions were ended."""

    passwords: Passwords
    users: Users
    accounts: AccountService
    sessions: SessionService
    live_tokens: LiveTokens


def sign_in(config: StoreConfig, database: Database, ids: Ids) -> SignIn:
    """Connect the parts of accounts."""
    access_s, refresh_s = config.jwt_access_expiry, config.jwt_refresh_expiry
    passwords = Passwords(
        memory_kib=config.argon2_memory,
        passes=config.argon2_time,
        threads=config.argon2_threads,
        queue=config.argon2_queue,
    )
    users, sessions = PostgresUsers(database), PostgresSessions(database)
    verifier = TokenVerifier(config.jwt_secret, config.jwt_secret_previous)
    signer = TokenSigner(config.jwt_secret)
    issuer = Issuer(signer, ids, SystemClock(), access_s=access_s, refresh_s=refresh_s)
    failures = config.login_account_limit or ANY_NUMBER
    accounts = AccountService(
        users,
        sessions,
        PostgresLoginWindows(database, limit=failures, window_s=config.login_account_window),
        passwords,
        issuer,
        ids,
        new_passwords=_new_passwords(config),
        tries_at_once=max(1, failures // config.web_processes()),
    )
    rotate, grace_s = config.jwt_refresh_rotation, config.jwt_refresh_grace
    return SignIn(
        passwords=passwords,
        users=users,
        accounts=accounts,
        sessions=SessionService(users, sessions, issuer, verifier, rotate=rotate, grace_s=grace_s),
        live_tokens=LiveTokens(
            RememberedTokens(verifier, SystemClock()),
            sessions,
            access_s=access_s,
            poll_s=config.session_poll,
        ),
    )


def _new_passwords(config: StoreConfig) -> PasswordRule:
    if config.app_env != "production":
        return PasswordRule(least_bytes=config.password_min, refuse_common=False)
    return replace(STRONG, least_bytes=max(config.password_min, STRONG.least_bytes))
