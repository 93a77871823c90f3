"""Every SQL text of the program, found in its source as the UPPER_CASE constants."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PASAR: Final = Path(__file__).parents[2] / "src" / "pasar"
_STATEMENT: Final = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")
_WRITTEN: Final = re.compile(
    r"\bINSERT INTO ([\w.]+)|\bDELETE FROM ([\w.]+)"
    r"|(?<!FOR )(?<!KEY )(?<!DO )\bUPDATE ([\w.]+)"  # neither a lock nor ON CONFLICT DO UPDATE
)


@dataclass(frozen=True, slots=True)
class Statement:
    module: str
    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def written(self) -> set[str]:
        """The tables it inserts into, updates or deletes from."""
        return {table for found in _WRITTEN.findall(self.sql) for table in found if table}


@cache
def statements() -> tuple[Statement, ...]:
    return tuple(
        Statement(".".join(path.relative_to(_PASAR).with_suffix("").parts), name, text)
        for path in sorted(_PASAR.rglob("*.py"))
        for name, text in _texts(ast.parse(path.read_text()))
        if name.isupper() and _STATEMENT.match(text)
    )


def _texts(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in module.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
            ):
                yield name, text
