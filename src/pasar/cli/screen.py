"""What a person reads: the start-up table, the purchase to paste, and one-line reasons to stop."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from pasar.cli.supervisor import EX_CONFIG, PartFailed
from pasar.engines.errors import EngineError
from pasar.engines.parts import Part
from pasar.kit.errors import PasarError
from pasar.kit.settings import BadSetting
from pasar.store_service.preflight import NotReachable

# One line to paste: log in as the demo buyer, fill the cart, check out, wait for `paid`.
PURCHASE: Final = (
    "B={base}/api/v1; "
    'T=$(curl -s $B/auth/login -d \'{{"email":"{email}","password":"{password}"}}\''
    " | grep -o 'eyJ[^\"]*' | head -1); "
    'C() {{ curl -s -H "Authorization: Bearer $T" "$@"; }}; '
    'C $B/cart/items -d \'{{"product_id":"{product}","quantity":1}}\' >/dev/null; '
    'O=$(C $B/orders -d \'{{"shipping_address":"Jl. Merdeka 1, Jakarta"}}\''
    ' | grep -o \'"id":"[^"]*\' | head -1 | cut -c7-); '
    'until C $B/orders/$O | grep -o \'"status":"paid"\'; do sleep 0.1; done'
)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the terminal is what this module is for


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def engine_row(part: Part) -> tuple[str, str, str, str, str]:
    data = f"data {part.data}" if part.data else ""
    return part.name, part.version, part.address, part.reason, data


@contextmanager
def explained() -> Generator[None]:
    """Turn the expected reasons to stop into one line on stderr and an exit code."""
    try:
        yield
    except BadSetting as fault:
        _leave(str(fault), EX_CONFIG)
    except EngineError as fault:
        _leave(str(fault), fault.exit_code)
    except PartFailed as fault:
        _leave(str(fault), fault.exit_code)
    except NotReachable as fault:
        _leave(str(fault), 1)
    except PasarError as fault:
        _leave(fault.message, 1)


def _leave(reason: str, code: int) -> None:
    sys.stderr.write(f"pasar: {reason}\n")
    raise SystemExit(code)
