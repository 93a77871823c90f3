"""
Examples for the API description, made from types: of answers, of bodies, of errors.

A new schema or error gets its example without a word here, if plain names are enough.
"""

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, get_type_hints
from uuid import UUID

from msgspec import inspect as types

from pasar.kit.errors import PasarError
from pasar.kit.money import Money

ID: Final = UUID("0190c7a2-5f0e-7cc3-98c4-dc0c0c07398f")
TIME: Final = "2026-01-31T09:30:00Z"

_TEXTS: Final[Mapping[str, str]] = {
    "actor": "system",
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoi…",
    "amount": "450000",
    "category_id": str(ID),
    "comment": "Pours well.",
    "description": "Holds a litre.",
    "email": "ana@example.com",
    "expected_total": "450000",
    "kind": "status",
    "image_url": f"products/{ID}.png",
    "logo_url": f"stores/{ID}.png",
    "max_price": "500000",
    "method": "mock",
    "min_price": "10.5",
    "password": "correct horse",
    "price": "450000",
    "product_id": str(ID),
    "refresh_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoi…",
    "request_id": str(ID),
    "role": "buyer",
    "shipping_address": "12 Harbour Road, Jakarta",
    "status": "pending",
    "store_id": str(ID),
    "subtotal": "450000",
    "text": "pending → paid",
    "total": "450000",
    "total_amount": "450000",
    "user_name": "Ana",
}
_ANY_TEXT: Final = "Teapot"


def example_of(kind: Any, name: str = "") -> object:
    """Return a value of this type as JSON has it; `name` is the member it stands for."""
    return _example(types.type_info(kind), name)


def error_of(kind: type[PasarError]) -> PasarError:
    """Return an error of this class. Raises KeyError when its arguments are of no known kind."""
    hints = get_type_hints(kind.__init__)
    wanted = [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty
    ]
    arguments: list[Any] = [_argument(hints[name]) for name in wanted]
    return kind(*arguments)


def _example(annotated: types.Type, name: str) -> object:
    info = annotated.type if isinstance(annotated, types.Metadata) else annotated
    match info:
        case types.StructType():
            return {
                field.encode_name: _example(field.type, field.encode_name) for field in info.fields
            }
        case types.CollectionType():
            return [_example(info.item_type, name)]
        case types.UnionType():
            return _example(_first_real(info.types), name)
        case types.LiteralType():
            return info.values[0]
        case types.EnumType():
            return next(iter(info.cls)).value
        case _:
            return _plain(info, name)


def _plain(info: types.Type, name: str) -> object:
    match info:
        case types.UUIDType():
            return str(ID)
        case types.DateTimeType():
            return TIME
        case types.IntType():
            return 1
        case types.BoolType():
            return True
        case types.StrType():
            return _TEXTS.get(name, _ANY_TEXT)
        case _:
            return {}


def _first_real(alternatives: Sequence[types.Type]) -> types.Type:
    missing = (types.NoneType, types.CustomType)
    return next(each for each in alternatives if not isinstance(each, missing))


def _argument(hint: Any) -> object:
    kind = getattr(hint, "__supertype__", hint)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return {UUID: ID, str: _ANY_TEXT, int: 1, Money: Money(45_000_000)}[kind]
