"""The served description against the service: made-up requests, chained along its links."""

import asyncio
import gc
import random
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
import schemathesis
from schemathesis import AuthContext, Case, Config
from schemathesis.engine import from_schema
from schemathesis.engine.core import EventStream
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from pasar.store_service.identity import Role
from pasar.store_service.routes import ROUTES
from tests.fixtures.counts import Count
from tests.journeys.people import PASSWORD, admin, newcomer, stall
from tests.journeys.shop import Shop

# Rejecting every wrong value is off: filters, pages and unknown members fall back (contract C12,
# C13). Accepting every right one too: an id that nobody has is right, and 404.
CHECKS: Final = {
    name: {"enabled": False} for name in ("negative_data_rejection", "positive_data_acceptance")
}
# An unknown product, also a deleted one, has an empty list of reviews, and nobody may write one
# (contract C8).
REVIEWS: Final = {
    "include-path": "/api/v1/products/{id}/reviews",
    "checks": {**CHECKS, "use_after_free": {"enabled": False}},
}
GENERATED: Final = {
    "max-examples": 60,
    "no-shrink": True,
    "database": "none",
    "with-security-parameters": False,
}
# Chains follow the links of the document alone; the first request of each is a right one, else
# nothing is ever made.
CHAINS: Final = {
    "max-steps": 10,
    "inference": {"algorithms": []},
    "generation": {**GENERATED, "mode": "positive"},
}
ONE_ROUND: Final = 1000
MOST_ROUNDS: Final = 10
MADE: Final = {f"POST /api/v1/{thing}" for thing in ("categories", "products", "orders")}
ROWS: Final = {f"{row.method} {row.path}": row for row in ROUTES}


@dataclass(frozen=True, slots=True)
class Callers:
    """Give each made-up request the caller that its row asks for."""

    http: httpx.Client
    tokens: Mapping[Role, str]
    product_id: str
    leaver: str

    def token(self, label: str) -> str | None:
        """Return whose token the operation asks for; whoever checks out has a filled cart."""
        row = ROWS[label]
        if label == "POST /api/v1/auth/logout-all":
            return self._logged_in_anew()
        if label == "POST /api/v1/orders":
            self._fill_the_cart()
        return self.tokens[row.access.role] if row.access.role else None

    def _logged_in_anew(self) -> str:
        login = {"email": self.leaver, "password": PASSWORD}
        pair = self.http.post("/auth/login", json=login).json()["data"]
        return str(pair["access_token"])

    def _fill_the_cart(self) -> None:
        line = {"product_id": self.product_id, "quantity": 1}
        bearer = {"Authorization": f"Bearer {self.tokens[Role.BUYER]}"}
        self.http.post("/cart/items", json=line, headers=bearer)  # refused while all are taken


@dataclass(slots=True)
class Tally:
    """What a run did: answers by operation and status, steps along links, and what was wrong."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    followed: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def made(self) -> set[str]:
        return {label for label, status in self.answers if status == HTTPStatus.CREATED}

    def add(self, scenario: ScenarioFinished) -> None:
        recorder = scenario.recorder
        for case_id, interaction in recorder.interactions.items():
            node = recorder.cases[case_id]
            if interaction.response is not None:
                self.answers[node.value.operation.label, interaction.response.status_code] += 1
            self.followed += node.is_transition_applied
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    wrong = check.failure_info
                    self.faults.append(f"{wrong.failure.message}\n{wrong.code_sample}")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("wanted", [ONE_ROUND, pytest.param(10_000, marks=pytest.mark.long)])
async def test_d52_made_up_requests_get_only_what_the_description_tells(
    wanted: int, shop: Shop, http: httpx.AsyncClient, count: Count
) -> None:
    tally = await asyncio.to_thread(try_all, shop, await callers(http, shop), wanted)
    end_what_the_engine_left_open()

    assert tally.faults == []
    assert {label for label, _ in tally.answers} == set(ROWS)
    assert tally.made >= MADE
    assert tally.followed > 0
    count("requests of Schemathesis", tally.answers.total())
    count("of them along links", tally.followed)


def end_what_the_engine_left_open() -> None:
    """Schemathesis closes none of its sessions; the next test would be blamed for their sockets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def callers(http: httpx.AsyncClient, shop: Shop) -> Callers:
    mine, chief = await stall(http), await admin(http)
    buyer, leaver = await newcomer(http), await newcomer(http)
    lamp = await (await stall(http)).offers("Lamp", "10", stock=1_000_000)  # not to be deleted
    tokens = {Role.ADMIN: chief.token, Role.SELLER: mine.seller.token, Role.BUYER: buyer.token}
    client = httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20)
    return Callers(client, tokens, lamp, leaver.email)


def try_all(shop: Shop, sent_by: Callers, wanted: int) -> Tally:
    """Make requests, until there were as many as wanted and chains began: rounds draw anew."""
    tally = Tally()
    for _ in range(MOST_ROUNDS):
        if tally.faults or (tally.answers.total() >= wanted and tally.made >= MADE):
            break
        for event in round_of(shop, sent_by, fuzzing=wanted > ONE_ROUND):
            if isinstance(event, ScenarioFinished):
                tally.add(event)
            elif isinstance(event, FatalError | NonFatalError):
                tally.faults.append(f"{event}")
    return tally


def round_of(shop: Shop, sent_by: Callers, *, fuzzing: bool) -> EventStream:
    """Start a round: each boundary value of the document, random ones, and chains."""
    config = Config.from_dict(
        {
            "seed": random.randrange(2**32),  # noqa: S311  drawn from the seed of the whole run
            "base-url": shop.url,
            "continue-on-failure": True,
            "checks": CHECKS,
            "operations": [REVIEWS],
            "generation": GENERATED,
            "phases": {"stateful": CHAINS, "fuzzing": {"enabled": fuzzing}},
        }
    )
    schema = schemathesis.openapi.from_url(f"{shop.url}/docs/swagger.json", config=config)

    @schema.auth(refresh_interval=None)
    class SentBy:
        def get(self, _case: Case[Any], context: AuthContext) -> str | None:
            return sent_by.token(context.operation.label)

        def set(self, case: Case[Any], token: str, _context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    return from_schema(schema).execute()
