"""Which broker: the one place that knows the adapters."""

import ssl
from typing import Final

from pasar.kit.broker.adapter import AdaptedBroker, Adapter
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.nsq import NsqAdapter
from pasar.kit.broker.nsq_settings import NsqSettings, verifying_tls
from pasar.kit.broker.port import DeadLetters
from pasar.kit.broker.settings import BrokerSettings
from pasar.kit.broker.streams import StreamsAdapter
from pasar.kit.broker.streams_consumer import StreamsSettings
from pasar.kit.redis import RedisSettings
from pasar.kit.settings import BadSetting

__all__ = ["BrokerSettings", "connect"]

_BREAKER_FAILURES: Final = 5
_BREAKER_OPEN_S: Final = 0.5  # shorter than the cache's: a consumer has no way round its broker


def connect(settings: BrokerSettings, dead_letters: DeadLetters) -> AdaptedBroker:
    """
    Return at once, inside a running loop; the broker is dialled in the background, for ever.

    Raises ValueError when an address is not `host:port`, BadSetting when a TLS file is of no use.
    """
    adapter = _nsq(settings) if settings.kind == "nsq" else _streams(settings)
    return AdaptedBroker(adapter, dead_letters, Policy())


def _nsq(settings: BrokerSettings) -> Adapter:
    nsqds = _addresses(settings.nsqd_addr)
    return NsqAdapter(
        nsqds,
        _addresses(settings.nsq_lookupd_addr),
        _addresses(settings.nsqd_http_addr) or [_next_port(nsqd) for nsqd in nsqds],
        NsqSettings(
            client_id=settings.client_id, tls=_tls(settings), auth_secret=settings.nsq_auth_secret
        ),
    )


def _tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    if not settings.nsq_tls:
        return None
    try:
        return verifying_tls(
            settings.nsq_tls_ca_file, settings.nsq_tls_cert_file, settings.nsq_tls_key_file
        )
    except OSError as fault:
        raise BadSetting("NSQ_TLS", f"a file of it cannot be used: {fault}") from fault


def _streams(settings: BrokerSettings) -> Adapter:
    server = RedisSettings(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        db=settings.redis_db,
        timeout_s=StreamsSettings().reply_limit_s,
        breaker_failures=_BREAKER_FAILURES,
        breaker_open_s=_BREAKER_OPEN_S,
    )
    return StreamsAdapter(server, settings.client_id)


def _addresses(comma_list: str) -> list[str]:
    addresses = [address for part in comma_list.split(",") if (address := part.strip())]
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{address!r} is not host:port")
    return addresses


def _next_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + 1}"
