"""How to reach the broker, without either adapter."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Addresses are `host:port`, for NSQ also comma lists; only the chosen kind's are used."""

    kind: Literal["nsq", "streams"]
    nsqd_addr: str = ""
    nsq_lookupd_addr: str = ""
    nsqd_http_addr: str = ""  # empty: each nsqd's host with the next port, as nsqd's defaults are
    nsq_tls: bool = False
    nsq_tls_ca_file: str = ""
    nsq_tls_cert_file: str = ""
    nsq_tls_key_file: str = ""
    nsq_auth_secret: str = ""
    redis_host: str = "localhost"
    redis_port: int = 6379
    redis_password: str = ""
    redis_db: int = 0
    client_id: str
