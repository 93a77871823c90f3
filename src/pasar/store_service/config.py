"""The settings of the store service: name, default, unit, bounds, meaning and reason."""

import os
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from pasar.kit.config import EngineConfig, Port
from pasar.kit.postgres_settings import PostgresSettings
from pasar.kit.redis_settings import RedisSettings
from pasar.kit.settings import Duration
from pasar.store_service.payments_config import PaymentsConfig
from pasar.store_service.picture_config import PictureConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig(PictureConfig, PaymentsConfig, EngineConfig):
    """Those of engines, payments, pictures, and the rest; a variable is its field in upper case."""

    app_port: Annotated[Port, Meta(description="HTTP port of the store service")] = 8080
    app_env: Annotated[
        Literal["development", "test", "production"],
        Meta(description="`production` refuses development habits; `development` logs for people"),
    ] = "development"
    app_workers: Annotated[
        int, Meta(ge=0, le=64, description="web processes; 0 = one per core")
    ] = 0
    app_header_timeout: Annotated[
        Duration, Meta(description="for the head of a request, then the connection is cut")
    ] = Duration(5)
    app_read_timeout: Annotated[
        Duration, Meta(description="for the whole request, its body included, then likewise")
    ] = Duration(15)
    app_write_timeout: Annotated[
        Duration,
        Meta(description="for the answer to leave; in effect at least APP_REQUEST_TIMEOUT + 5s"),
    ] = Duration(15)
    app_idle_timeout: Annotated[
        Duration, Meta(description="how long a kept-alive connection may idle")
    ] = Duration(60)
    app_drain_delay: Annotated[
        Duration, Meta(description="`/ready` says 503 this long before the listener closes")
    ] = Duration(0)
    app_request_timeout: Annotated[
        Duration, Meta(description="budget of one request, then 504 and its work is cancelled")
    ] = Duration(30)
    app_max_body: Annotated[int, Meta(ge=1, description="largest JSON body in bytes, then 413")] = (
        1_048_576
    )
    app_max_headers: Annotated[
        int, Meta(ge=1024, description="largest head of a request in bytes, then 431")
    ] = 65_536
    app_json_depth: Annotated[
        int, Meta(ge=1, le=100, description="deepest nesting of a JSON body, then 400")
    ] = 20
    app_max_connections: Annotated[
        int,
        Meta(ge=1, description="connections per process, at most file limit − 100; then 503"),
    ] = 1000
    app_max_in_flight: Annotated[
        int,
        Meta(ge=1, description="requests at once per process, then 503; while it is late, fewer"),
    ] = 512

    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="`/metrics` on loopback, of all processes; 0 = off")
    ] = 0

    db_pool_size: Annotated[int, Meta(ge=1, le=100, description="connections per web process")] = 10
    db_worker_pool_size: Annotated[
        int, Meta(ge=2, le=100, description="connections of the background worker")
    ] = 6
    db_search_timeout: Annotated[
        Duration, Meta(description="longest statement of a product list, then 503")
    ] = Duration(2)
    redis_timeout: Annotated[
        Duration,
        Meta(description="connect and command limit; a frozen server cost 60 s without it"),
    ] = Duration(0.1)
    breaker_failures: Annotated[
        int, Meta(ge=1, description="failures in a row that open the Redis breaker")
    ] = 5
    breaker_open: Annotated[
        Duration, Meta(description="how long it stays open before one probe")
    ] = Duration(2)
    cart_cache_ttl: Annotated[
        Duration, Meta(description="bound on what a cut-off process may leave stale in a cart")
    ] = Duration(60)
    product_cache_ttl: Annotated[Duration, Meta(description="the same for a product page")] = (
        Duration(60)
    )
    stock_lock: Annotated[
        Literal["on", "off"],
        Meta(description="Redis mutex that calms a crowd on one product; guards nothing"),
    ] = "on"
    stock_lock_lease: Annotated[
        Duration, Meta(description="after this a dead holder's mutex is free")
    ] = Duration(3)
    stock_lock_wait: Annotated[
        Duration, Meta(description="wait for the mutex, then on without it")
    ] = Duration(0.2)

    broker_concurrency: Annotated[
        int, Meta(ge=1, le=2500, description="payment results handled at once")
    ] = 200
    jwt_secret: Annotated[
        str, Meta(description="token key, ≥ 32 bytes; only development makes its own")
    ] = ""
    jwt_secret_previous: Annotated[
        str, Meta(description="the key before it: still verifies, signs no more")
    ] = ""
    jwt_access_expiry: Annotated[Duration, Meta(description="lifetime of an access token")] = (
        Duration(900)
    )
    jwt_refresh_expiry: Annotated[Duration, Meta(description="lifetime of a refresh token")] = (
        Duration(604_800)
    )
    admin_email: Annotated[
        str, Meta(description="with the password: the admin made while the seeded one is in force")
    ] = ""
    admin_password: Annotated[str, Meta(description="of that admin")] = ""
    jwt_refresh_rotation: Annotated[
        bool, Meta(description="a refresh token works once; false: until it expires")
    ] = True
    jwt_refresh_grace: Annotated[
        Duration, Meta(description="a used one gives the same pair again, as answers get lost")
    ] = Duration(10)
    session_poll: Annotated[
        Duration, Meta(description="how often a process looks whose sessions ended, unless told")
    ] = Duration(2)
    password_min: Annotated[
        int, Meta(ge=6, le=72, description="bytes of a new password; in production at least 8")
    ] = 6
    argon2_memory: Annotated[
        int, Meta(ge=8, description="argon2id memory in KiB; OWASP minimum")
    ] = 19_456
    argon2_time: Annotated[int, Meta(ge=1, description="argon2id passes")] = 2
    argon2_threads: Annotated[
        int, Meta(ge=1, description="passwords hashed at once per process")
    ] = 2
    argon2_queue: Annotated[
        int, Meta(ge=1, description="logins waiting for a hash, then 503; 2.3 s at 23 ms each")
    ] = 200

    rate_limit_public: Annotated[
        int, Meta(ge=0, description="public requests per minute and address; 0 = off")
    ] = 60
    rate_limit_auth: Annotated[
        int, Meta(ge=0, description="requests per minute and user; 0 = off")
    ] = 120
    rate_limit_login: Annotated[
        int, Meta(ge=0, description="registrations and logins per minute and address; 0 = off")
    ] = 10
    login_account_limit: Annotated[
        int, Meta(ge=0, description="failed logins of one account per window; 0 = off")
    ] = 10
    login_account_window: Annotated[Duration, Meta(description="that window")] = Duration(900)
    trusted_proxies: Annotated[
        str, Meta(description="networks whose X-Forwarded-For is believed, comma list")
    ] = ""
    allow_insecure: Annotated[
        str,
        Meta(description="hosts that production may talk to in plaintext, comma list"),
    ] = ""
    cors_allowed_origins: Annotated[
        str, Meta(description="origins whose pages may call, comma list, or `*`; empty = none")
    ] = ""
    idempotency_ttl: Annotated[
        Duration, Meta(description="how long an Idempotency-Key gets its first answer again")
    ] = Duration(86_400)
    cart_max_lines: Annotated[
        int, Meta(ge=1, description="lines of one cart; bounds the locks of a checkout")
    ] = 1000
    pasar_data_dir: Annotated[
        str, Meta(description="where `pasar up` and development keep their data and secrets")
    ] = ".local/data"

    def web_processes(self) -> int:
        return self.app_workers or os.cpu_count() or 1

    def postgres(self, pool_size: int) -> PostgresSettings:
        """Return how the store service's processes log in: with the rights of `store_app` alone."""
        return self.login(
            role="store_app",
            search_path="public",
            application_name="store-service",
            pool_size=pool_size,
        )

    def redis(self) -> RedisSettings:
        return RedisSettings(
            host=self.redis_host,
            port=self.redis_port,
            password=self.redis_password,
            db=self.redis_db,
            timeout_s=self.redis_timeout,
            breaker_failures=self.breaker_failures,
            breaker_open_s=self.breaker_open,
        )
