"""The figures over HTTP: days in the city's zone, accounts that may see them, and null for what is not reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from connectors.gateway.figures import span_of
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import example_of
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from tests.unit.gateway.a_reading_city import Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

SITUATION = "core.situation"
MINUTE = 60_000
TODAY = date(2026, 5, 29)  # in Seoul, at NOON_MS


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        yield made


def put(reader: Reader, minutes: int, status: str, revision: int, *, its_id: str = "s") -> None:
    """A revision so many minutes before noon, of a situation that was reported an hour before."""
    example = from_json_value(load_catalogue()[SITUATION].newest, example_of(SITUATION))
    reader.figures.facts.put_situation(
        {
            **example,
            "situation_id": its_id,
            "event_time": NOON_MS - minutes * MINUTE,
            "opened_at": NOON_MS - 60 * MINUTE,
            "status": status,
            "revision": revision,
            "merged_into": None,
        }
    )


def test_without_days_the_last_seven_of_the_city_are_told(reader: Reader) -> None:
    put(reader, 60, "open", 1)
    put(reader, 54, "arrived", 2)
    told = reader.get("figures").json()
    assert (told["from"], told["to"], told["timezone"]) == ("2026-05-23", str(TODAY), "Asia/Seoul")
    assert [one["situations"] for one in told["days"]] == [None] * 6 + [1]
    assert told["whole"]["arrival"] == {"count": 1, "median_s": 360, "p90_s": 360}
    assert (told["whole"]["dispatch"], told["whole"]["video"]) == (None, None)
    assert [one["kind"] for one in told["kinds"]] == ["crash"]


def test_an_answer_that_is_known_is_not_sent_again(reader: Reader) -> None:
    tag = reader.get("figures").headers["etag"]
    assert reader.get("figures", If_None_Match=tag).status_code == 304


@pytest.mark.parametrize("role", ["no-purpose", "with-purpose", "viewer", "operator", "supervisor"])
def test_every_audience_sees_them(reader: Reader, role: str) -> None:
    assert reader.get("figures", role=role).status_code == 200


def test_the_public_does_not_and_nobody_without_a_key(reader: Reader) -> None:
    assert reader.get("figures", role="public").status_code == 403
    assert reader.get("figures", role=None).status_code == 401
    assert reader.get("/v1/another/figures").status_code == 404


def test_before_the_log_is_read_none_are_told(reader: Reader) -> None:
    reader.figures.trouble = "being read"
    answer = reader.get("figures")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ("2026-05-23", "2026-05-29")),
        ({"to": "2026-03-08"}, ("2026-03-02", "2026-03-08")),
        ({"from": "2026-03-08"}, ("2026-03-08", "2026-03-14")),
        ({"from": "2026-03-08", "to": "2026-03-08"}, ("2026-03-08", "2026-03-08")),
        ({"from": "2026-03-01", "to": "2026-03-31"}, ("2026-03-01", "2026-03-31")),
    ],
)
def test_a_span_is_whole_days(given: dict[str, str], wanted: tuple[str, str]) -> None:
    assert tuple(map(str, span_of(list(given.items()), TODAY))) == wanted


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-03-09&to=2026-03-08", "from"),
        ("from=2026-03-01&to=2026-04-01", "from"),
        ("from=20260308", "from"),
        ("to=2026-02-30", "to"),
        ("to=0001-01-01", "to"),
        ("to=9999-12-31", "to"),
        ("day=2026-03-08", "day"),
        ("to=2026-03-08&to=2026-03-09", "to"),
    ],
)
def test_a_span_that_is_none_is_refused_with_its_field(reader: Reader, query: str, field: str) -> None:
    answer = reader.get(f"figures?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_problem_says_what_a_day_looks_like() -> None:
    with pytest.raises(Problem, match="no day, such as 2026-03-08"):
        span_of([("from", "tomorrow")], TODAY)
