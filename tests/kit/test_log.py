"""One JSON line per event, with the request that began it; libraries speak the same way."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging
from pasar.kit import log
log.configure("store-service", human=False)
log.request_id.set("req-1")
log.get("relay").info("published", topic="order.created", count=3)
log.request_id.set("")
logging.getLogger("library").warning("odd %s", "thing")
try:
    1 / 0
except ZeroDivisionError:
    log.get("web").exception("request failed")
"""


def test_every_line_is_json_with_level_time_message_and_request_id() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, timeout=30
    )
    published, library, failed = map(json.loads, run.stderr.splitlines())

    assert published.items() >= {
        ("level", "info"),
        ("message", "published"),
        ("service", "store-service"),
        ("request_id", "req-1"),
        ("part", "relay"),
        ("topic", "order.created"),
        ("count", 3),
    }
    assert published["time"].endswith("Z")
    assert library.items() >= {("level", "warning"), ("message", "odd thing")}
    assert "request_id" not in library
    assert "ZeroDivisionError" in failed["exception"]


SECRETS = """
import logging
from pasar.kit import log
log.configure("store-service", human=HUMAN)
log.get("http").info("a", path="/carts/eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIn0.c2lnbmF0dXJl/x", token="t0")
log.get("http").info("b", was="$2a$10$R19Bg9aiWS2DxyO3arbf3eVZwEER6/b1cIcR84yF5uvz9zlKE7LUK")
log.get("http").info("c", was="$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", password="pw1")
logging.getLogger("driver").warning("no route to %s", "postgres://shop:pw2@db:5432/shop")
log.get("http").info("d", url="https://example.com:80/eyJ?a=$2")
"""


@pytest.mark.parametrize("human", [False, True])
def test_h53_a_line_shows_no_token_hash_or_password(human: bool) -> None:
    script = SECRETS.replace("HUMAN", str(human))
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=30
    )
    token, bcrypt, argon2, dsn, harmless = run.stderr.splitlines()

    assert "/carts/[hidden]/x" in token
    assert "postgres://[hidden]@db:5432/shop" in dsn
    assert "https://example.com:80/eyJ?a=$2" in harmless
    for secret in ("t0", "pw1", "pw2", "R19B", "aGFzaA", "c2lnbmF0dXJl"):
        assert secret not in token + bcrypt + argon2 + dsn
