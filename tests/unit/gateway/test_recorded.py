"""A recorded time over HTTP: in order and in pages, masked as everywhere, and refused where it is not kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from connectors.gateway.reads import iso_of
from tests.unit.gateway.a_reading_city import Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

HOUR_MS = 3_600_000


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        yield made


def at(ms: int) -> str:
    return quote(iso_of(ms))


def span(begin_ms: int = NOON_MS, end_ms: int = NOON_MS + HOUR_MS) -> str:
    return f"recorded?from={at(begin_ms)}&to={at(end_ms)}"


def test_what_was_open_at_the_beginning_and_every_revision_after_it_in_order(reader: Reader) -> None:
    put = reader.city.put
    put("core.situation", situation_id="old", revision=1, status="open", at_ms=NOON_MS - 20)
    put("core.situation", situation_id="over", revision=1, status="closed", at_ms=NOON_MS - 10)
    put("core.situation", situation_id="new", revision=1, status="open", at_ms=NOON_MS)
    put("core.alert", alert_id="a", audience="119", at_ms=NOON_MS + 1)
    put("core.situation", situation_id="old", revision=2, status="closed", at_ms=NOON_MS + 2)
    put("core.situation", situation_id="later", revision=1, status="open", at_ms=NOON_MS + HOUR_MS)
    told = reader.get(span(), role="viewer").json()
    assert [one["situation_id"] for one in told["standing"]] == ["old"]
    assert [(one["contract"], one["data"].get("situation_id"), one["data"]["revision"]) for one in told["events"]] == [
        ("core.situation", "new", 1),
        ("core.alert", told["events"][1]["data"]["situation_id"], told["events"][1]["data"]["revision"]),
        ("core.situation", "old", 2),
    ]  # fmt: skip
    assert [one["at"] for one in told["events"]] == [iso_of(NOON_MS + more) for more in (0, 1, 2)]


def test_pages_together_are_the_whole_and_only_the_first_has_what_stood(reader: Reader) -> None:
    for number in range(7):
        reader.city.put(
            "core.situation", situation_id=f"s{number}", status="open", at_ms=NOON_MS - 5 + number
        )
    asked, found, standing = f"{span()}&limit=1", list[str](), list[int]()
    next_one = None
    for _ in range(3):
        more = "" if next_one is None else f"&cursor={next_one}"
        told = reader.get(asked + more, role="viewer").json()
        found += [one["data"]["situation_id"] for one in told["events"]]
        standing.append(len(told["standing"]))
        next_one = told["next"]
        if next_one is None:
            break
    assert (found, standing) == (["s5", "s6"], [5, 0])


def test_a_row_of_others_is_in_no_recorded_time(reader: Reader) -> None:
    for at_ms in (NOON_MS - 1, NOON_MS):
        reader.city.put("core.situation", agencies=["112"], status="open", at_ms=at_ms)
    ours, all_of_them = (reader.get(span(), role=role).json() for role in ("with-purpose", "viewer"))
    assert (ours["standing"], ours["events"]) == ([], [])
    assert (len(all_of_them["standing"]), len(all_of_them["events"])) == (1, 1)


def test_a_time_before_what_is_kept_is_gone_and_says_since_when(reader: Reader) -> None:
    reader.city.recorded.kept_from = NOON_MS
    answer = reader.get(span(NOON_MS - 1))
    assert (answer.status_code, answer.json()["field"]) == (410, "from")
    assert answer.json()["expected"] == f"{iso_of(NOON_MS)} or later"
    assert reader.get(span()).status_code == 200


@pytest.mark.parametrize(("begin_ms", "end_ms"), [(0, 0), (1, 0), (0, 26 * HOUR_MS)])
def test_a_time_that_ends_before_it_begins_or_is_longer_than_a_day_is_refused(
    reader: Reader, begin_ms: int, end_ms: int
) -> None:
    answer = reader.get(span(NOON_MS + begin_ms, NOON_MS + end_ms))
    assert (answer.status_code, answer.json()["field"]) == (422, "to")


def test_a_cursor_of_another_list_is_refused(reader: Reader) -> None:
    for number in range(3):
        reader.city.put("core.situation", situation_id=f"s{number}", agencies=["119"], at_ms=NOON_MS)
    cursor = reader.get(
        "situations?limit=1&status=open&status=closed&status=dispatched&status=arrived"
    ).json()["next"]
    answer = reader.get(f"{span()}&cursor={cursor}")
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


def test_while_kafka_is_away_it_says_so_and_when_to_ask_again(reader: Reader) -> None:
    reader.city.recorded.is_away = True
    answer = reader.get(span())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_situation_is_told_as_it_was_known_at_a_time(reader: Reader) -> None:
    put = reader.city.put
    for revision in (1, 2, 3):
        put("core.situation", situation_id="s", revision=revision, agencies=["119"], at_ms=NOON_MS + revision)
    put("core.grant", situation_id="s", grant_id="early", granted_to="119", at_ms=NOON_MS + 2)
    put("core.grant", situation_id="s", grant_id="late", granted_to="119", at_ms=NOON_MS + 3)
    now, then = (reader.get(f"situations/s{more}").json() for more in ("", f"?as_of={at(NOON_MS + 2)}"))
    assert [one["revision"] for one in now["revisions"]] == [1, 2, 3]
    assert [one["revision"] for one in then["revisions"]] == [1, 2]
    assert then["situation"]["revision"] == 2
    assert [one["grant_id"] for one in then["grants"]] == ["early"]
    assert len(then["story"]) < len(now["story"])
    assert reader.get(f"situations/s?as_of={at(NOON_MS)}").status_code == 404
