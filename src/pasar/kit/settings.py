"""
Settings: environment, then `.env`, then the default, into one frozen dataclass per service.

A field's name is the variable's in lower case; its meaning and bounds stand in `Annotated[…,
msgspec.Meta(description=…, ge=…)]`, from which the README's table is checked.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from dotenv import dotenv_values

_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_KINDS: Final = {int: "a whole number", float: "a number", bool: "true or false"}
_SECRET: Final = re.compile("password|secret|token|key")

ConfigT = TypeVar("ConfigT")


class BadSetting(Exception):
    """A variable holds what cannot be used; `str()` is one line that names the variable."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"invalid {variable}: {reason}")
        self.variable = variable


class Duration(float):
    """A length of time in seconds, written as number plus unit, chained: `300ms`, `1h30m`."""

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `15s`, `1h30m`, `300ms`; raises ValueError for anything else, negatives too."""
        parts = list(_PART.finditer(text))
        if not parts or "".join(part.group() for part in parts) != text:
            msg = f"{text!r} is not a duration such as 300ms, 15s or 1h30m"
            raise ValueError(msg)
        return cls(sum(float(part[1]) * _UNITS_S[part[2]] for part in parts))

    def __str__(self) -> str:
        return f"{float(self):g}s"


def environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Merge `folder/.env` under the environment; an empty value counts as unset in both."""
    from_file = dotenv_values(folder / ".env", interpolate=False)
    both = [*from_file.items(), *((k, v) for k, v in environ.items() if v)]
    return {name: value for name, value in both if value}


def names(config: type[object]) -> frozenset[str]:
    """Return the variables that a configuration is read from."""
    return frozenset(name.upper() for name in get_type_hints(config))


def read(config: type[ConfigT], variables: Mapping[str, str]) -> ConfigT:
    """Build the dataclass from its variables; others are ignored. Raises BadSetting."""
    chosen = {
        name: variables[name.upper()]
        for name in get_type_hints(config)
        if name.upper() in variables
    }
    try:
        return msgspec.convert(chosen, config, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as fault:
        reason, _, path = str(fault).partition(" - at `$.")
        name = path.rstrip("`")
        if wanted := _wanted(get_type_hints(config, include_extras=True).get(name)):
            shown = "[hidden]" if _SECRET.search(name) else repr(chosen[name])
            reason = f"{shown} instead of {wanted}"
        raise BadSetting(name.upper(), reason) from None


def _wanted(hint: object) -> str:
    """Return what a variable of this type holds; empty for one whose own fault says it."""
    kind, *rest = get_args(hint) if get_origin(hint) is Annotated else [hint]
    metas = [meta for meta in rest if isinstance(meta, msgspec.Meta)]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind is str:
        return next((meta.description for meta in metas if meta.description), "")
    least = "".join(f" from {meta.ge}" for meta in metas if meta.ge is not None)
    most = "".join(f" to {meta.le}" for meta in metas if meta.le is not None)
    return _KINDS[kind] + least + most if kind in _KINDS else ""


def _decode(kind: type, value: object) -> object:
    if kind is Duration and isinstance(value, str):
        return Duration.parse(value)
    msg = f"no setting of type {kind}"
    raise NotImplementedError(msg)
