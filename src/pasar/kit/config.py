"""
What both services are told about the engines they stand on, and how long anything waits there.

Each service adds its own settings in its `config.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from pasar.kit.broker.port import Broker
from pasar.kit.broker.settings import BrokerSettings
from pasar.kit.database import Database
from pasar.kit.outbox import Payload, Relay
from pasar.kit.postgres_settings import PostgresSettings
from pasar.kit.settings import Duration

Port = Annotated[int, Meta(ge=1, le=65535)]
_ADDRESSES = r"^[^\s,]+:\d{1,5}(\s*,\s*[^\s,]+:\d{1,5})*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """PostgreSQL, Redis, the broker and the outbox relay; one field per variable."""

    db_host: Annotated[str, Meta(description="PostgreSQL host")] = "localhost"
    db_port: Annotated[Port, Meta(description="PostgreSQL port")] = 5432
    db_user: Annotated[
        str,
        Meta(
            description="login role; takes the rights of its service, which it must be a member of"
        ),
    ] = "postgres"
    db_password: Annotated[str, Meta(description="its password")] = ""
    db_name: Annotated[str, Meta(description="database")] = "mini_go_ecommerce"
    db_sslmode: Annotated[
        Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        Meta(description="TLS to PostgreSQL, as libpq names it"),
    ] = "disable"
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

    broker: Annotated[
        Literal["nsq", "streams"],
        Meta(description="message broker; `pasar up` also knows `auto`"),
    ] = "nsq"
    nsqd_addr: Annotated[
        str, Meta(pattern=_ADDRESSES, description="nsqd, host:port of its TCP side, comma list")
    ] = "localhost:4150"
    nsqd_http_addr: Annotated[
        str,
        Meta(
            pattern=f"{_ADDRESSES}|^$",
            description="nsqd, its HTTP side, for counts; empty = its host, port + 1",
        ),
    ] = ""
    nsq_lookupd_addr: Annotated[
        str,
        Meta(pattern=_ADDRESSES, description="nsqlookupd, host:port of its HTTP side, comma list"),
    ] = "localhost:4161"
    nsq_tls: Annotated[
        bool, Meta(description="TLS to nsqd; certificate and host name are always verified")
    ] = False
    nsq_tls_ca_file: Annotated[
        str, Meta(description="PEM authorities that may sign nsqd's; empty = the system's")
    ] = ""
    nsq_tls_cert_file: Annotated[
        str, Meta(description="PEM certificate of our own, where nsqd asks for one")
    ] = ""
    nsq_tls_key_file: Annotated[str, Meta(description="PEM key of that certificate")] = ""
    nsq_auth_secret: Annotated[
        str, Meta(description="what nsqd's authorisation server knows us by; empty = none")
    ] = ""
    relay_batch: Annotated[int, Meta(ge=1, le=1000, description="outbox rows per claim")] = 100
    relay_lease: Annotated[
        Duration, Meta(description="after this a dead relay's rows are claimed anew")
    ] = Duration(10)
    relay_poll: Annotated[
        Duration, Meta(description="the relay looks this often when no wake-up came")
    ] = Duration(0.5)
    relay_backoff_max: Annotated[
        Duration, Meta(description="longest wait while the broker is away; from 100ms, doubling")
    ] = Duration(1)
    outbox_retention: Annotated[
        Duration, Meta(description="how long sent events stay; `pasar verify` looks back 6 days")
    ] = Duration(604_800)
    event_signing_key: Annotated[
        str, Meta(description="HMAC key of events, ≥ 32 bytes; empty = unsigned")
    ] = ""
    shop_currency: Annotated[str, Meta(description="the shop's one currency")] = "IDR"
    app_shutdown_timeout: Annotated[
        Duration, Meta(description="grace for running requests and message handlers at the end")
    ] = Duration(30)
    pasar_failpoints: Annotated[
        str, Meta(description="named stops of crash tests, `name=kill:1/50`; never in production")
    ] = ""

    def login(
        self, *, role: str, search_path: str, application_name: str, pool_size: int
    ) -> PostgresSettings:
        """Return how to log in; once connected, a process has the rights of `role` alone."""
        return PostgresSettings(
            host=self.db_host,
            port=self.db_port,
            user=self.db_user,
            password=self.db_password,
            database=self.db_name,
            sslmode=self.db_sslmode,
            role=role,
            search_path=search_path,
            application_name=application_name,
            pool_size=pool_size,
            pool_wait_s=self.db_pool_wait,
            connect_timeout_s=self.db_connect_timeout,
            statement_timeout_s=self.db_statement_timeout,
            lock_timeout_s=self.db_lock_timeout,
            idle_tx_timeout_s=self.db_idle_tx_timeout,
        )

    def relay(self, database: Database, broker: Broker, seal: Callable[[Payload], bytes]) -> Relay:
        """Return the relay of the service's outbox."""
        return Relay(
            database,
            broker,
            seal,
            batch=self.relay_batch,
            lease_s=self.relay_lease,
            poll_s=self.relay_poll,
            backoff_max_s=self.relay_backoff_max,
        )

    def message_broker(self, client_id: str) -> BrokerSettings:
        """Return how to reach the broker; `client_id` names this process there."""
        return BrokerSettings(
            kind=self.broker,
            nsqd_addr=self.nsqd_addr,
            nsqd_http_addr=self.nsqd_http_addr,
            nsq_lookupd_addr=self.nsq_lookupd_addr,
            nsq_tls=self.nsq_tls,
            nsq_tls_ca_file=self.nsq_tls_ca_file,
            nsq_tls_cert_file=self.nsq_tls_cert_file,
            nsq_tls_key_file=self.nsq_tls_key_file,
            nsq_auth_secret=self.nsq_auth_secret,
            redis_host=self.redis_host,
            redis_port=self.redis_port,
            redis_password=self.redis_password,
            redis_db=self.redis_db,
            client_id=client_id,
        )
