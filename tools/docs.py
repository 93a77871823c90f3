"""
Writes the README's tables, `.env.example` and docs/openapi.json from the code: `make docs`.

tests/house/test_docs.py compares what is committed with what this would write.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Final, get_args, get_type_hints

from msgspec import Meta
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from pasar.kit import errors, metrics
from pasar.kit.broker.delivery import Counters
from pasar.kit.broker.metrics import BrokerCounts
from pasar.payment_service.config import PaymentConfig
from pasar.store_service.config import StoreConfig
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.envelope import STATUS
from pasar.store_service.web.openapi import describe, encode
from pasar.store_service.web.openapi_links import operation_id
from pasar.store_service.web.route import Route

ROOT: Final = Path(__file__).parents[1]
BESIDE_THE_ROWS: Final = ("GET /docs", "GET /docs/swagger.json", "GET /uploads/{file}")
"""Routes that are no rows of the table, since what they answer is no envelope."""


def settings() -> Iterator[tuple[str, str, str, str]]:
    """Variable, default, services and meaning, the store service's first; each variable once."""
    seen: dict[str, tuple[str, str, str, str]] = {}
    for service, config in (("store", StoreConfig), ("payment", PaymentConfig)):
        hints = get_type_hints(config, include_extras=True)
        for field in fields(config):
            name, default = field.name.upper(), _written(field.default)
            meaning = _meaning(hints[field.name])
            if name not in seen:
                seen[name] = (name, default, service, meaning)
            elif default == seen[name][1]:
                seen[name] = (name, default, "both", seen[name][3])
            else:
                both = f"{seen[name][2]} {seen[name][1]}, {service} {default}"
                seen[name] = (name, both, "both", seen[name][3])
    yield from seen.values()


def _written(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _meaning(hint: object) -> str:
    return next(
        meta.description
        for meta in get_args(hint)
        if isinstance(meta, Meta) and meta.description is not None
    )


def settings_table() -> str:
    rows = (
        f"| `{name}` | {f'`{default}`' if default else 'empty'} | {service} | {meaning} |"
        for name, default, service, meaning in settings()
    )
    return "\n".join(["| variable | default | service | meaning |", "| --- " * 4 + "|", *rows])


def routes_table() -> str:
    return "\n".join(
        ["| route | who | limits | success |", "| --- " * 4 + "|", *map(_route_row, ROUTES)]
    )


def _route_row(route: Route) -> str:
    anybody = "whoever is logged in" if route.access.token else "everybody"
    who = route.access.role.value if route.access.role else anybody
    limits = ", ".join(limit.value for limit in route.limits) or "none"
    return f"| `{route.method} {route.path}` | {who} | {limits} | {route.status.value} |"


def tests_table(tests: Mapping[str, int]) -> str:
    """`tests`: how many tests ask each operation, and each route beside the rows."""
    counted = [(f"{route.method} {route.path}", operation_id(route)) for route in ROUTES]
    counted += [(route, route) for route in BESIDE_THE_ROWS]
    rows = (f"| `{route}` | {tests.get(name, 0)} |" for route, name in counted)
    return "\n".join(["| route | tests |", "| --- " * 2 + "|", *rows])


def write_routes_page(tests: Mapping[str, int]) -> None:
    """Write docs/routes.md at the end of a test run that counted them."""
    page = ROOT / "docs" / "routes.md"
    page.write_text(_with_table(page.read_text(), "tests", tests_table(tests)))


def errors_table() -> str:
    classes: list[type[errors.PasarError]] = [errors.PasarError, *_below(errors.PasarError)]
    named = {kind.code: kind.__name__ for kind in reversed(classes)}
    rows = (f"| `{code}` | {STATUS[code].value} | `{named[code]}` |" for code in STATUS)
    return "\n".join(
        ["| code | HTTP status | class in `kit/errors.py` |", "| --- " * 3 + "|", *rows]
    )


def _below(kind: type[errors.PasarError]) -> Iterator[type[errors.PasarError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _below(child)


def env_example() -> str:
    lines = (f"# {meaning}\n#{name}=" for name, _, _, meaning in settings())
    head = inspect.cleandoc(
        """
        # Every setting of both services, in the README's order; copy to `.env` and uncomment.
        # Under `pasar up` a DB_HOST, REDIS_HOST or NSQD_ADDR means: use that server.
        # Each line shows no value where the default does.
        """
    )
    return "\n".join([head, "", *lines, ""])


def api_description() -> bytes:
    """Return what the service answers at `/docs/swagger.json`."""
    return encode(describe(ROUTES, version("pasar")))


def metrics_table() -> str:
    """Return what is counted anywhere, then what a broker's client counts."""
    everything = CollectorRegistry()
    for metric in (*metrics.ALL, BrokerCounts(Counters())):
        everything.register(metric)
    rows = (
        f"| `{_exposed(each)}` | {each.type} | {each.documentation} |"
        for each in everything.collect()
    )
    return "\n".join(["| metric | kind | meaning |", "| --- " * 3 + "|", *rows])


def _exposed(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def filled(text: str) -> str:
    """Return a page with the tables between its markers made anew."""
    tables = {
        "routes": routes_table,
        "settings": settings_table,
        "errors": errors_table,
        "metrics": metrics_table,
    }
    for name, table in tables.items():
        text = _with_table(text, name, table())
    return text


def _with_table(text: str, name: str, table: str) -> str:
    before, opening, rest = text.partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    return f"{before}{opening}{table}\n{closing}{after}"


def main() -> None:
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text()))
    (ROOT / ".env.example").write_text(env_example())
    (ROOT / "docs" / "openapi.json").write_bytes(api_description())


if __name__ == "__main__":
    main()
