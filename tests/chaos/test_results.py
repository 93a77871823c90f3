"""The row that is kept of a run, and the sums: what a stranger reads of ten seeds."""

from collections.abc import Mapping
from dataclasses import replace

from chaos.books import Books
from chaos.checker import Broken, Evidence
from chaos.oplog import Operation
from chaos.recovery import FULL_DISK, NO_PART, Recovery, Struck
from chaos.report import Outcome
from chaos.results import ASKED, HEAD, RESULTS, appended
from chaos.verdict import Judged
from pasar.audit.check import Report

DOCUMENT = f"# Chaos runs\n\nWhat it means.\n\n{HEAD}"


def answer(op: str, status: int, order_id: str = "") -> Operation:
    return Operation(
        t=1.0,
        took_s=0.1,
        client="buyer-1",
        op=op,
        args={},
        via="store-1",
        outcome="ok" if status < 400 else "unknown",
        status=status,
        order_id=order_id,
    )


RUN = Outcome(
    seed=7,
    broker="nsq",
    kind="10 min",
    evidence=Evidence(
        operations=[
            answer("checkout", 201, "o1"),
            answer("retry", 201, "o1"),
            answer("picture", 500),
            answer("cart", 503),
        ],
        books=Books(orders={}, moves=frozenset(), dead=frozenset(), paid_at=[]),
        injected=[],
        struck=[
            Struck("kill store", "store-1", 0, 1),
            Struck("kill web process", "store-2", 0, 1),
            Struck("kill worker", "store-2", 0, 1),
            Struck(FULL_DISK, NO_PART, 0, 2),
        ],
        recoveries=[
            Recovery("kill store", "store-1", 0.2),
            Recovery("kill web process", "store-2", 0.4),
            Recovery("kill worker", "store-2", 3.0),
            Recovery("kill broker", "broker", 1.5),
            Recovery("kill payment", "payment-1", None),
        ],
        surprises=[],
        stores={},
        limit_s=3.0,
    ),
    kills={"store-1": 4, "store-2": 3, "payment-1": 2, "nsqd": 5, "redis": 1, "postgres": 0},
    calm_s=2.04,
    verdict=Judged(audit=Report(()), broken=[], story=[]),
)


def cells(text: str) -> Mapping[str, str]:
    """Return the last row of the table under its headings."""
    last = [line for line in text.splitlines() if line.startswith("|")][-1]
    headings = HEAD.splitlines()[0]
    return dict(
        zip(
            (each.strip() for each in headings.split("|")),
            (each.strip() for each in last.split("|")),
            strict=True,
        )
    )


def test_a_row_tells_kills_and_recovery_of_each_kind_of_part() -> None:
    row = cells(appended(DOCUMENT, RUN, "abc1234"))

    assert {part: row[part] for part in ASKED} == {
        "store": "7 + 2; 0.4 / 3.0 s",
        "payment": "2",
        "broker": "5; 1.5 / 1.5 s",
        "redis": "1",
        "postgres": "0",
    }


def test_a_row_tells_how_much_was_done_and_how_it_ended() -> None:
    row = cells(appended(DOCUMENT, RUN, "abc1234"))

    asked = ("run", "on", "faults", "operations", "orders", "calm after", "500", "broken")
    assert [row[each] for each in asked] == ["10 min", "nsq", "4", "4", "1", "2.0 s", "0 + 1", "0"]


def test_a_fault_of_the_shop_is_told_apart_from_an_upload_without_room() -> None:
    broken = replace(RUN.verdict, broken=[Broken("5xx", "500 to picture")])

    assert cells(appended(DOCUMENT, replace(RUN, verdict=broken), "abc1234"))["500"] == "1 + 0"


def test_on_streams_the_broker_is_redis() -> None:
    streams = replace(RUN, broker="streams", kills={"redis": 9})

    row = cells(appended(DOCUMENT, streams, "abc1234"))

    assert (row["broker"], row["redis"]) == ("as redis; 1.5 / 1.5 s", "9")


def test_kills_are_summed_over_all_rows_but_the_storms() -> None:
    text = DOCUMENT
    for run in (RUN, replace(RUN, seed=8, broker="streams"), replace(RUN, kind="payment storm")):
        text = appended(text, run, "abc1234")

    assert text.startswith(DOCUMENT)
    assert text.count("\n| 20") == 3
    assert text.endswith(
        "\n\nKills in 2 planned runs: store 14 (asked: 50), payment 4 (asked: 50), "
        "broker 5 (asked: 20), redis 2 (asked: 20), postgres 0 (asked: 20).\n"
    )


def test_the_document_has_the_table_that_rows_are_appended_to() -> None:
    text = RESULTS.read_text(encoding="utf-8")

    assert HEAD in text
    assert appended(text, RUN, "abc1234").startswith(text[: text.index(HEAD)] + HEAD)
