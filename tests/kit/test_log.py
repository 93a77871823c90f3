"""One JSON line per event, with the request that began it; libraries speak the same way."""

import json
import subprocess
import sys

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
