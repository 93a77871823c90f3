"""The settings of the payment service: name, default, unit, bounds, meaning and reason."""

from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta

from pasar.kit.config import EngineConfig, Port
from pasar.kit.postgres_settings import PostgresSettings
from pasar.kit.settings import BadSetting, Duration

_SECRET_AT_LEAST_BYTES: Final = 32  # RFC 2104: an HMAC key as long as its hash


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfig(EngineConfig):
    """
    The engines' settings and the payment service's own; a variable is its field in upper case.

    An empty `PAYMENT_DB_…` or 0 takes the value of the `DB_…` variable.
    """

    app_env: Annotated[
        Literal["development", "test", "production"],
        Meta(description="`production` knows no scripted outcomes; `development` logs for people"),
    ] = "production"

    payment_grpc_host: Annotated[str, Meta(description="address the gRPC server binds")] = (
        "127.0.0.1"
    )
    payment_grpc_port: Annotated[Port, Meta(description="port of the gRPC server")] = 50051
    payment_service_token: Annotated[
        str,
        Meta(
            description="bearer token of gRPC callers, ≥ 32 bytes; demanded off loopback, and by"
            " void, refund and list everywhere"
        ),
    ] = ""
    payment_tls_cert_file: Annotated[
        str, Meta(description="PEM certificate; with the key it turns TLS on")
    ] = ""
    payment_tls_key_file: Annotated[str, Meta(description="PEM key of that certificate")] = ""
    payment_metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="`/metrics` on loopback; 0 = off")
    ] = 0
    payment_process_timeout: Annotated[
        Duration, Meta(description="longest ProcessPayment call; the mock itself takes up to 2 s")
    ] = Duration(10)
    grpc_keepalive: Annotated[Duration, Meta(description="gRPC keep-alive ping")] = Duration(30)
    grpc_max_message: Annotated[int, Meta(ge=1024, description="largest gRPC message in bytes")] = (
        65_536
    )

    payment_db_host: Annotated[str, Meta(description="overrides DB_HOST")] = ""
    payment_db_port: Annotated[int, Meta(ge=0, le=65535, description="overrides DB_PORT")] = 0
    payment_db_user: Annotated[
        str, Meta(description="overrides DB_USER; a member of `payment_app`")
    ] = ""
    payment_db_password: Annotated[str, Meta(description="overrides DB_PASSWORD")] = ""
    payment_db_name: Annotated[str, Meta(description="overrides DB_NAME")] = ""
    payment_db_pool_size: Annotated[
        int, Meta(ge=2, le=100, description="connections of the payment service")
    ] = 10

    event_signing_key_previous: Annotated[
        str, Meta(description="accepted besides, while the key is being changed")
    ] = ""

    payment_concurrency: Annotated[
        int, Meta(ge=1, le=2500, description="payments in flight at once (contract D42)")
    ] = 1000
    payment_success_rate: Annotated[
        float, Meta(ge=0, le=1, description="share the mock bank approves; 0.9 = the old mock")
    ] = 1.0
    payment_delay_min: Annotated[Duration, Meta(description="shortest answer of the mock bank")] = (
        Duration(0.5)
    )
    payment_delay_max: Annotated[Duration, Meta(description="longest; min to max is uniform")] = (
        Duration(2)
    )
    payment_seed: Annotated[
        str, Meta(description="fixes the mock bank's draws; empty = random")
    ] = ""

    def __post_init__(self) -> None:
        """Refuse what no single field's bounds can. Raises BadSetting."""
        for name in ("payment_service_token", "event_signing_key", "event_signing_key_previous"):
            if 0 < len(getattr(self, name).encode()) < _SECRET_AT_LEAST_BYTES:
                raise BadSetting(name.upper(), f"shorter than {_SECRET_AT_LEAST_BYTES} bytes")
        if bool(self.payment_tls_cert_file) != bool(self.payment_tls_key_file):
            raise BadSetting("PAYMENT_TLS_CERT_FILE", "goes with PAYMENT_TLS_KEY_FILE")
        if self.payment_delay_min > self.payment_delay_max:
            both = f"{self.payment_delay_min} is above PAYMENT_DELAY_MAX, {self.payment_delay_max}"
            raise BadSetting("PAYMENT_DELAY_MIN", both)
        if not self.on_loopback:
            self._check_open_to_the_network()

    def postgres(self) -> PostgresSettings:
        """Return how the payment service logs in: with the rights of `payment_app` alone."""
        shared = self.login(
            role="payment_app",
            search_path="payment",
            application_name="payment-service",
            pool_size=self.payment_db_pool_size,
        )
        return replace(
            shared,
            host=self.payment_db_host or shared.host,
            port=self.payment_db_port or shared.port,
            user=self.payment_db_user or shared.user,
            password=self.payment_db_password or shared.password,
            database=self.payment_db_name or shared.database,
        )

    @property
    def on_loopback(self) -> bool:
        """Tell whether only this machine reaches the gRPC server (hazard H56)."""
        try:
            return ip_address(self.payment_grpc_host).is_loopback
        except ValueError:
            return self.payment_grpc_host == "localhost"

    def tls(self) -> tuple[bytes, bytes] | None:
        """Return certificate and key in PEM, None without TLS. Raises BadSetting: unreadable."""
        if not self.payment_tls_cert_file:
            return None
        files = (Path(self.payment_tls_cert_file), Path(self.payment_tls_key_file))
        try:
            return files[0].read_bytes(), files[1].read_bytes()
        except OSError as fault:
            reason = f"cannot read it or its key: {fault}"
            raise BadSetting("PAYMENT_TLS_CERT_FILE", reason) from fault

    def _check_open_to_the_network(self) -> None:
        if not self.payment_service_token:
            raise BadSetting(
                "PAYMENT_SERVICE_TOKEN", "needed when PAYMENT_GRPC_HOST is no loopback"
            )
        if self.app_env == "production" and not self.payment_tls_cert_file:
            raise BadSetting(
                "PAYMENT_TLS_CERT_FILE",
                "needed in production when PAYMENT_GRPC_HOST is no loopback",
            )
