"""`pasar dead-letters`: listed, shown, sent again."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from tests.cli.command import run

BODY = b'{"message_id":"1"}'


@pytest.fixture
async def letters(
    database: PostgresDatabase, payment_database: PostgresDatabase, redis: Redis
) -> None:
    """Two in the store's box, one in the payment service's."""
    await redis.flushall()
    store, payment = PostgresDeadLetters(database), PostgresDeadLetters(payment_database)
    await store.record("payment.success", BODY, "unknown order", 5)
    await store.record("payment.failed", b"\xff{", "no JSON", 1)
    await payment.record("order.created", BODY, "no amount", 1)


@pytest.fixture
def variables(engines: Mapping[str, str]) -> Mapping[str, str]:
    return {**engines, "BROKER": "streams"}


@pytest.mark.usefixtures("letters")
def test_they_are_listed_with_their_names(variables: Mapping[str, str], tmp_path: Path) -> None:
    all_of_them = run("dead-letters", "list", folder=tmp_path, **variables)
    of_topic = run(
        "dead-letters", "list", "--topic", "order.created", "--json", folder=tmp_path, **variables
    )

    assert all_of_them.returncode == 0, all_of_them.stderr
    assert [line.split()[0] for line in all_of_them.stdout.splitlines()] == [
        "store-1",
        "store-2",
        "payment-1",
    ]
    [told] = json.loads(of_topic.stdout)
    assert (told["letter"], told["error"], told["attempts"]) == ("payment-1", "no amount", 1)


@pytest.mark.usefixtures("letters")
def test_one_is_shown_whole(variables: Mapping[str, str], tmp_path: Path) -> None:
    shown = run("dead-letters", "show", "store-2", folder=tmp_path, **variables)

    assert shown.returncode == 0, shown.stderr
    assert r"\xff{" in shown.stdout


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "store-9"], "no dead letter store-9"),
        (["show", "elsewhere-1"], "no dead letter elsewhere-1"),
        (["replay", "payment-x"], "no dead letter payment-x"),
        (["replay"], "name one letter or a topic"),
    ],
)
def test_what_is_not_there_is_said(
    words: list[str], said: str, variables: Mapping[str, str], tmp_path: Path
) -> None:
    refused = run("dead-letters", *words, folder=tmp_path, **variables)

    assert (refused.returncode, refused.stderr) == (1, f"pasar: {said}\n")


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("command", ["list", "replay"])
def test_of_a_topic_without_letters_it_is_said_that_there_are_none(
    command: str, variables: Mapping[str, str], tmp_path: Path
) -> None:
    found = run("dead-letters", command, "--topic", "nope", folder=tmp_path, **variables)

    assert (found.returncode, found.stdout) == (0, "no dead letters of nope\n"), found.stderr


def test_with_nothing_to_list_that_is_said_but_not_in_json(
    variables: Mapping[str, str], tmp_path: Path
) -> None:
    told = run("dead-letters", "list", folder=tmp_path, **variables)
    json_ = run("dead-letters", "list", "--json", folder=tmp_path, **variables)

    assert (told.returncode, told.stdout) == (0, "no dead letters\n"), told.stderr
    assert (json_.returncode, json_.stdout) == (0, "[]\n")


@pytest.mark.usefixtures("letters")
async def test_a_topic_is_sent_again_and_its_letters_go(
    variables: Mapping[str, str], tmp_path: Path, database: PostgresDatabase
) -> None:
    """Sent to where its consumers wait: the other letters stay."""
    words = ("dead-letters", "replay", "--topic", "payment.success")
    replayed = run(*words, folder=tmp_path, **variables)

    assert (replayed.returncode, replayed.stdout) == (0, "store-1 sent to payment.success\n")
    left = await PostgresDeadLetters(database).oldest(None, 10)
    assert [letter.topic for letter in left] == ["payment.failed"]


@pytest.mark.usefixtures("letters")
async def test_while_the_broker_is_away_nothing_is_lost(
    variables: Mapping[str, str], tmp_path: Path, database: PostgresDatabase
) -> None:
    away = {**variables, "BROKER": "nsq", "NSQD_ADDR": "127.0.0.1:1"}
    refused = run("dead-letters", "replay", "store-1", folder=tmp_path, **away)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith("pasar: the broker is away\n")
    assert len(await PostgresDeadLetters(database).oldest(None, 10)) == 2
