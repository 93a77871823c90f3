"""What a person reads: the start-up table and the purchase to paste."""

from collections.abc import Sequence
from typing import Final

from pasar.engines.parts import Part

# One line to paste: log in as the demo buyer, fill the cart, check out, wait for `paid`.
_PURCHASE: Final = (
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


def purchase(base: str, email: str, password: str, product: str) -> str:
    """Return a whole purchase by curl, up to `paid`, as one line to paste."""
    return _PURCHASE.format(base=base, email=email, password=password, product=product)
