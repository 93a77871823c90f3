"""A setting comes from the environment, then `.env`, then its default; a bad one is named."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from pasar.kit.settings import BadSetting, Duration, environment, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    app_port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    app_env: Literal["development", "production"] = "development"
    app_wait: Duration = Duration(15)
    app_rate: Annotated[float, Meta(ge=0, le=1)] = 1.0
    app_rotate: bool = True
    app_workers: Annotated[int, Meta(ge=0)] = 0
    app_peers: Annotated[str, Meta(pattern=r"^\w+:\d+$", description="host:port")] = ""
    app_key_bits: int = 256


def test_without_variables_the_defaults_hold() -> None:
    assert read(Sample, {}) == Sample()


def test_variables_are_read_by_type_and_strangers_are_ignored() -> None:
    given = {"APP_PORT": "9000", "APP_WAIT": "1h30m", "APP_RATE": "0.9", "APP_ROTATE": "false"}

    assert read(Sample, {**given, "PATH": "/bin"}) == Sample(
        app_port=9000, app_wait=Duration(5400), app_rate=0.9, app_rotate=False
    )


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("APP_PORT", "http", "'http' instead of a whole number from 1 to 65535"),
        ("APP_PORT", "0", "'0' instead of a whole number from 1 to 65535"),
        ("APP_ENV", "Staging", "'Staging' instead of one of development, production"),
        ("APP_WAIT", "15 S", "'15 S' is not a duration such as 300ms, 15s or 1h30m"),
        ("APP_RATE", "1.5", "'1.5' instead of a number from 0 to 1"),
        ("APP_ROTATE", "perhaps", "'perhaps' instead of true or false"),
        ("APP_WORKERS", "-1", "'-1' instead of a whole number from 0"),
        ("APP_PEERS", "here", "'here' instead of host:port"),
        ("APP_KEY_BITS", "hunter2", "[hidden] instead of a whole number"),
    ],
)
def test_a_value_that_does_not_fit_stops_with_its_name_and_what_is_wanted(
    variable: str, value: str, reason: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        read(Sample, {variable: value})

    assert str(refused.value) == f"invalid {variable}: {reason}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", 0.3), ("15s", 15), ("1h30m", 5400), ("168h", 604_800), ("0s", 0), ("1.5s", 1.5)],
)
def test_durations_are_numbers_with_units(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "15", "s", "-1s", "1 s", "1d", "1s!", "1h 30m", "1.2.3s"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Duration.parse(text)


def test_the_environment_wins_over_the_file_and_empty_counts_as_unset(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_PORT=1111\nAPP_ENV=production\nDB_HOST=\n")

    merged = environment({"APP_PORT": "2222", "APP_ENV": ""}, tmp_path)

    assert merged == {"APP_PORT": "2222", "APP_ENV": "production"}


def test_the_file_may_be_absent(tmp_path: Path) -> None:
    assert environment({"A": "1"}, tmp_path) == {"A": "1"}
