"""Only the source of a report may revise it. Reports from before sources were stored continue unchanged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from schemas.errors import Invalid
from schemas.event import case_id, derived_id
from streams.situations.entry import Entry
from streams.situations.state.city import CityState
from streams.situations.state.rows import body_of
from tests.unit.situations.a_city import (
    City,
    a_camera,
    a_city,
    a_tick,
    an_incident,
    at,
    members,
    place,
    rules,
)
from tests.unit.situations.test_filing import an_answer, filed, newest
from tests.unit.situations.test_notices import RULES, a_call, a_value, a_wanted


def by(source: str, entry: Entry, **said: Any) -> Entry:
    """*entry*, reported by *source*."""
    return replace(entry, value={**entry.value, "source": source, **said})


def test_another_source_neither_closes_nor_revises_an_incident() -> None:
    city = a_city(an_incident("F1"))
    before = city.the_situation()
    with pytest.raises(Invalid) as refused:
        city.take(by("police", an_incident("F1", status="closed", revision=2)))
    assert refused.value.field == "incident_id"
    assert city.the_situation() == before and city.state.sequence == 2
    city.take(an_incident("F1", status="closed", revision=2))
    assert city.the_situation()["status"] == "closed"


def test_what_another_source_only_repeats_is_no_fault_and_says_nothing() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", status="dispatched", revision=2))
    before = city.the_situation()
    for revision in (1, 2):
        assert city.take(by("second feed", an_incident("F1", status="closed", revision=revision))) == []
    assert city.the_situation() == before
    with pytest.raises(Invalid):
        city.take(by("second feed", an_incident("F1", revision=3)))
    with pytest.raises(Invalid):
        city.take(by("second feed", an_incident("F1"), agency="another"))


def test_a_repeat_by_another_source_answers_no_filing() -> None:
    city, filing_id = filed()
    city.take(an_incident("F9", where=place(5_000)))
    repeated = by("second feed", an_incident("F9", where=place(5_000)), filing_id=filing_id)
    assert city.take(repeated) == []


def test_an_incident_of_another_domain_is_none_of_it() -> None:
    city = a_city(an_incident("F1"))
    entry = replace(an_incident("F1", status="closed", revision=2), topic="demo.police.incident")
    with pytest.raises(Invalid):
        city.take(entry)
    assert city.the_situation()["status"] == "open"


def test_another_source_takes_no_camera_away() -> None:
    city = a_city(by("cameras", a_camera()), an_incident("F1"))
    assert city.grants_in_force()
    with pytest.raises(Invalid):
        city.take(by("others", a_camera(status="faulty")))
    assert city.grants_in_force()
    city.take(by("cameras", a_camera(status="faulty")))
    assert not city.grants_in_force()


def a_site(**said: Any) -> Entry:
    about = {
        "site_id": "s1",
        "kind": "closed_road",
        "name": None,
        "detail": None,
        "starts_at": None,
        "ends_at": None,
    }
    return Entry("place", "demo.place.site", 0, 0, {**about, "position": place(), "source": "roads", **said})


def test_another_source_takes_no_site_away() -> None:
    city = a_city(a_site())
    with pytest.raises(Invalid):
        city.take(a_site(source="others", ends_at=at("11:00")))
    assert city.state.sites.sites["s1"].ends_at is None


def a_listening_city() -> City:
    city = City(rules(others=[{"name": name, "numbers": {}} for name in RULES]))
    city.take(a_tick("12:00"))
    return city


def test_another_source_takes_no_vehicle_off_the_list() -> None:
    city = a_listening_city()
    city.take(a_wanted())
    with pytest.raises(Invalid):
        city.take(by("others", a_wanted(is_listed=False, event_time=at("12:02"))))
    assert "wanted:W1" in city.state.memories


def test_an_entry_taken_off_by_one_that_never_listed_it_can_be_listed() -> None:
    city = a_listening_city()
    city.take(by("others", a_wanted(is_listed=False, event_time=at("12:05"))))
    assert city.take(a_wanted())
    assert "wanted:W1" in city.state.memories


def test_another_source_calms_no_sensor_and_no_call() -> None:
    city = a_listening_city()
    city.take(a_value(9.0), a_call())
    city.take(
        by("others", a_value(0.0, "12:02")), by("others", a_call(cause="cancelled", event_time=at("12:02")))
    )
    city.take(a_tick("12:59"))
    assert [one["status"] for one in city.live()] == ["open", "open"]
    city.take(
        a_value(0.0, "13:00"), a_call(cause="cancelled", event_time=at("13:00"), received_time=at("13:00"))
    )
    city.take(a_tick("13:59"))
    assert [one["status"] for one in city.live()] == ["closed", "closed"]


def test_who_was_not_asked_does_not_answer_a_filing() -> None:
    city, filing_id = filed()
    answer = an_answer(filing_id)
    city.take(replace(answer, value={**answer.value, "agency": "119-north"}))
    assert newest(city)["status"] == "filed"
    city.take(an_answer(filing_id, "F2"))
    assert (newest(city)["status"], newest(city)["agency_case_no"]) == ("accepted", "no F2")


# -- a restart over the change -------------------------------------------------------------------------------


def rows_of_before(city: City) -> Iterable[tuple[str, dict[str, Any]]]:
    """The rows of ``core.state`` of *city*, as they were written before they held sources."""
    state = city.state
    events = [state.situation_row(one) for one in state.situations]
    events += [state.camera_row(one) for one in state.cameras.cameras.values()] + [state.clock_row()]
    for event in events:
        value = dict(event.value or {})
        yield event.key, {**value, "body": body_of(_without_sources(orjson.loads(value["body"])))}


def _without_sources(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _without_sources(one) for name, one in said.items() if name != "source"}
    return [_without_sources(one) for one in said] if isinstance(said, list) else said


def restarted(city: City) -> City:
    after = City(city.config, CityState.from_records(city.config, rows_of_before(city)))
    after.said = [*city.said]
    return after


OLD = {
    "derived from agency and number": derived_id("incident", "demo", "fire", "119", "no F1"),
    "given by the agency's record": "2026/77",
}
NEW = {
    "of a source of one agency": case_id("demo", "fire", "no F1", agency=None),
    "of a source of several": case_id("demo", "fire", "no F1", agency="119"),
}


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("old", OLD)
@pytest.mark.parametrize("is_restarted", [True, False])
def test_a_case_known_by_its_former_id_goes_on_and_opens_nothing_twice(
    old: str, new: str, is_restarted: bool
) -> None:
    """Both with an old state, and in one go as in a replay."""
    city = a_city(by("cameras", a_camera()), by("fire", an_incident("F1"), incident_id=OLD[old]))
    if is_restarted:
        city = restarted(city)
    for revision, status in ((2, "arrived"), (3, "closed")):
        city.take(by("fire", an_incident("F1", status=status, revision=revision), incident_id=NEW[new]))
        assert members(city.the_situation()) == {OLD[old]}
    assert city.the_situation()["status"] == "closed"


def test_a_case_of_the_same_number_of_another_agency_or_source_is_another() -> None:
    city = a_city(by("fire", an_incident("F1"), incident_id="2026/77"))
    number = {"agency_case_no": "no F1"}
    theirs = an_incident("F2", where=place(5_000))
    city.take(
        by(
            "fire",
            theirs,
            incident_id=case_id("demo", "fire", "no F1", agency="other"),
            agency="other",
            **number,
        )
    )
    theirs = an_incident("F3", where=place(9_000))
    city.take(by("north", theirs, incident_id=case_id("demo", "north", "no F1", agency=None), **number))
    assert len(city.live()) == 3


def test_what_was_told_before_sources_were_kept_is_its_first_sources() -> None:
    city = restarted(a_city(by("cameras", a_camera()), an_incident("F1")))
    count = len(city.said)
    city.take(by("cameras", a_camera()))
    assert not [one for one in city.said[count:] if one.topic != "core.state"]
    city.take(an_incident("F1", status="dispatched", revision=2))
    for entry in (by("others", a_camera(status="faulty")), by("others", an_incident("F1", revision=3))):
        with pytest.raises(Invalid):
            city.take(entry)
    assert city.grants_in_force()
