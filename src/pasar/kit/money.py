"""
Money: an exact amount in hundredths, one way in and one way out.

On the wire it is a JSON string, in the database DECIMAL(15,2), here an integer. Never a float.
"""

import re
from decimal import Decimal
from typing import Final

import msgspec

# Applied to the text before any arithmetic: `1e100000000` must cost nothing (contract D6, D39).
_LONGEST: Final = 32
_GRAMMAR: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?", re.ASCII)
_MAX_MINOR: Final = 999_999_999_999_999  # 9999999999999.99, the largest DECIMAL(15,2)


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount of the shop's one currency, in minor units (hundredths)."""

    minor: int

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + other.minor)

    def __mul__(self, count: int) -> "Money":
        return Money(self.minor * count)

    def __str__(self) -> str:
        """Plain decimal without trailing zeros: `450000`, `10.5`, `0.01`."""
        whole, cents = divmod(abs(self.minor), 100)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}" + (f".{cents:02d}".rstrip("0") if cents else "")

    def decimal(self) -> Decimal:
        """Return the amount as the database takes it."""
        return Decimal(self.minor).scaleb(-2)

    @classmethod
    def of(cls, amount: Decimal) -> "Money":
        """Return the amount of a DECIMAL(15,2) column."""
        return cls(int(amount.scaleb(2)))


def parse_money(text: str, *, signed: bool = False) -> Money | None:
    """
    Read a price: digits, optional point, optional exponent of two digits, at most two decimals.

    `signed` allows a leading minus, as price filters do. None for anything that the grammar or the
    range 0 … 9999999999999.99 refuses; the caller knows the field and its sentence.

    >>> [str(parse_money(text)) for text in ("5.00", "+.5", "1e2", "0.001", "1e400")]
    ['5', '0.5', '100', 'None', 'None']
    """
    match = _GRAMMAR.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    if not digits or (sign == "-" and not signed):
        return None
    # The value is digits × 10^shift minor units.
    shift = int(exponent or 0) - len(fraction or "") + 2
    minor = int(digits)
    if shift >= 0:
        minor *= 10**shift
    else:
        minor, rest = divmod(minor, 10**-shift)
        if rest:
            return None
    return Money(-minor if sign == "-" else minor) if minor <= _MAX_MINOR else None
