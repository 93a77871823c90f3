"""The settings of the store service: name, default, unit, bounds, meaning and reason."""

import os
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from pasar.kit.broker.choose import BrokerSettings
from pasar.kit.postgres import PostgresSettings
from pasar.kit.redis import RedisSettings
from pasar.kit.settings import Duration
from pasar.store_service.picture_config import PictureConfig

Port = Annotated[int, Meta(ge=1, le=65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig(PictureConfig):
    """One field per variable, in the README's order; the variable is the field in upper case."""

    app_port: Annotated[Port, Meta(description="HTTP port of the store service")] = 8080
    app_env: Annotated[
        Literal["development", "test", "production"],
        Meta(description="`production` refuses development habits; `development` logs for people"),
    ] = "development"
    app_workers: Annotated[
        int, Meta(ge=0, le=64, description="web processes; 0 = one per core")
    ] = 0
    app_idle_timeout: Annotated[
        Duration, Meta(description="how long a kept-alive connection may idle")
    ] = Duration(60)
    app_shutdown_timeout: Annotated[
        Duration, Meta(description="grace for running requests and message handlers at the end")
    ] = Duration(30)
    app_drain_delay: Annotated[
        Duration, Meta(description="`/ready` says 503 this long before the listener closes")
    ] = Duration(0)
    app_request_timeout: Annotated[
        Duration, Meta(description="budget of one request, then 504 and its work is cancelled")
    ] = Duration(30)
    app_max_body: Annotated[int, Meta(ge=1, description="largest JSON body in bytes, then 413")] = (
        1_048_576
    )
    app_max_in_flight: Annotated[
        int, Meta(ge=1, description="requests running at once per process, then 503")
    ] = 512

    db_host: Annotated[str, Meta(description="PostgreSQL host")] = "localhost"
    db_port: Annotated[Port, Meta(description="PostgreSQL port")] = 5432
    db_user: Annotated[
        str, Meta(description="login role, a member of `store_app`, whose rights it takes")
    ] = "postgres"
    db_password: Annotated[str, Meta(description="its password")] = ""
    db_name: Annotated[str, Meta(description="database")] = "mini_go_ecommerce"
    db_sslmode: Annotated[
        Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        Meta(description="TLS to PostgreSQL, as libpq names it"),
    ] = "disable"
    db_pool_size: Annotated[int, Meta(ge=1, le=100, description="connections per web process")] = 10
    db_worker_pool_size: Annotated[
        int, Meta(ge=2, le=100, description="connections of the background worker")
    ] = 6
    db_pool_wait: Annotated[Duration, Meta(description="wait for a free connection, then 503")] = (
        Duration(2)
    )
    db_connect_timeout: Annotated[
        Duration, Meta(description="wait for a new connection, then 503")
    ] = Duration(2)
    db_statement_timeout: Annotated[
        Duration, Meta(description="longest statement, then 503; below the request budget")
    ] = Duration(5)
    db_lock_timeout: Annotated[
        Duration, Meta(description="longest wait for a row lock; three tries fit the budget")
    ] = Duration(2)
    db_idle_tx_timeout: Annotated[
        Duration, Meta(description="an orphaned transaction frees its locks after this")
    ] = Duration(10)

    redis_host: Annotated[str, Meta(description="Redis or Valkey host")] = "localhost"
    redis_port: Annotated[Port, Meta(description="Redis or Valkey port")] = 6379
    redis_password: Annotated[str, Meta(description="its password")] = ""
    redis_db: Annotated[int, Meta(ge=0, le=15, description="its database number")] = 0
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

    broker: Annotated[
        Literal["nsq", "streams"],
        Meta(description="message broker; `pasar up` also knows `auto`"),
    ] = "nsq"
    nsqd_addr: Annotated[str, Meta(description="nsqd, host:port of its TCP side, comma list")] = (
        "localhost:4150"
    )
    nsq_lookupd_addr: Annotated[
        str, Meta(description="nsqlookupd, host:port of its HTTP side, comma list")
    ] = "localhost:4161"
    broker_concurrency: Annotated[
        int, Meta(ge=1, le=2500, description="payment results handled at once")
    ] = 200
    relay_batch: Annotated[int, Meta(ge=1, le=1000, description="outbox rows per claim")] = 100
    relay_lease: Annotated[
        Duration, Meta(description="after this a dead relay's rows are claimed anew")
    ] = Duration(10)
    relay_poll: Annotated[
        Duration, Meta(description="the relay looks this often when no wake-up came")
    ] = Duration(0.5)
    relay_backoff_max: Annotated[
        Duration, Meta(description="longest wait while the broker is away; from 100ms, doubling")
    ] = Duration(5)
    event_signing_key: Annotated[
        str, Meta(description="HMAC key of events, ≥ 32 bytes; empty = unsigned")
    ] = ""

    jwt_secret: Annotated[
        str, Meta(description="token key, ≥ 32 bytes; only development makes its own")
    ] = ""
    jwt_access_expiry: Annotated[Duration, Meta(description="lifetime of an access token")] = (
        Duration(900)
    )
    jwt_refresh_expiry: Annotated[Duration, Meta(description="lifetime of a refresh token")] = (
        Duration(604_800)
    )
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
    trusted_proxies: Annotated[
        str, Meta(description="networks whose X-Forwarded-For is believed, comma list")
    ] = ""
    cart_max_lines: Annotated[
        int, Meta(ge=1, description="lines of one cart; bounds the locks of a checkout")
    ] = 1000
    shop_currency: Annotated[str, Meta(description="the shop's one currency")] = "IDR"
    pasar_data_dir: Annotated[
        str, Meta(description="where `pasar up` and development keep their data and secrets")
    ] = ".local/data"

    def web_processes(self) -> int:
        return self.app_workers or os.cpu_count() or 1

    def postgres(self, pool_size: int) -> PostgresSettings:
        """Return how the service's processes log in: with the rights of `store_app` alone."""
        return PostgresSettings(
            host=self.db_host,
            port=self.db_port,
            user=self.db_user,
            password=self.db_password,
            database=self.db_name,
            sslmode=self.db_sslmode,
            role="store_app",
            search_path="public",
            application_name="store-service",
            pool_size=pool_size,
            pool_wait_s=self.db_pool_wait,
            connect_timeout_s=self.db_connect_timeout,
            statement_timeout_s=self.db_statement_timeout,
            lock_timeout_s=self.db_lock_timeout,
            idle_tx_timeout_s=self.db_idle_tx_timeout,
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

    def message_broker(self, client_id: str) -> BrokerSettings:
        """Return how to reach the broker; `client_id` names this process there."""
        return BrokerSettings(
            kind=self.broker,
            nsqd_addr=self.nsqd_addr,
            nsq_lookupd_addr=self.nsq_lookupd_addr,
            redis_host=self.redis_host,
            redis_port=self.redis_port,
            redis_password=self.redis_password,
            redis_db=self.redis_db,
            client_id=client_id,
        )
