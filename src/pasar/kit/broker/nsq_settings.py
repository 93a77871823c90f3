"""What an NSQ client may be told, and how it introduces itself to nsqd."""

import socket
import ssl
from dataclasses import dataclass, field

from pasar.kit.backoff import Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class NsqSettings:
    client_id: str = "pasar"
    heartbeat_s: float = 5.0  # two silent ones and the peer counts as dead
    msg_timeout_s: float = 10.0  # nsqd's own 60 s would delay a crashed consumer's messages
    reply_limit_s: float = 5.0  # longest a publish may hang
    dial_limit_s: float = 2.0  # TCP connect and handshake
    reconnect: Backoff = field(default_factory=lambda: Backoff(first_s=0.1, cap_s=5.0))
    lookup_every_s: float = 15.0  # how late a new nsqd is found; jittered by 30 %
    http_limit_s: float = 2.0  # one question to nsqlookupd or nsqd
    tls: ssl.SSLContext | None = None  # None: plain TCP, for brokers on loopback
    auth_secret: str = ""  # for nsqd's --auth-http-address; empty: none is sent

    def features(self) -> dict[str, str | int | bool]:
        """Return the body of IDENTIFY."""
        return {
            "feature_negotiation": True,
            "client_id": self.client_id,
            "hostname": socket.gethostname(),
            "user_agent": "pasar",
            "heartbeat_interval": round(self.heartbeat_s * 1000),
            "msg_timeout": round(self.msg_timeout_s * 1000),
            "output_buffer_size": -1,  # p50 0.25 ms, against 125 ms with nsqd's default buffer
            "tls_v1": self.tls is not None,
            "deflate": False,
            "snappy": False,
        }


def verifying_tls(ca_file: str, cert_file: str, key_file: str) -> ssl.SSLContext:
    """
    Return TLS that verifies certificate and host name; nothing switches that off.

    Empty names: the system's authorities, and no certificate of our own. Raises OSError when a file
    cannot be read or is no PEM.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    if cert_file:
        context.load_cert_chain(cert_file, key_file or None)
    return context
