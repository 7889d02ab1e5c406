"""An unknown word may mean anything: a person must look at it, unless the city's file says that it is harmless."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from deploy.city.city import load_city
from schemas.parts import kind_of
from streams.situations.entry import Entry
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_city, an_incident

ATTENTION = ("fire", "rescue")
QUIET = ("Non  Emergency Response",)


def called(word: str, *, revision: int = 1, status: str = "open", **changed: Any) -> Entry:
    """A report whose agency has no table of words."""
    entry = an_incident("F1", revision=revision, status=status)
    return replace(entry, value={**entry.value, "kind_text": word, **kind_of(None, word).fields, **changed})


def operator_of(*entries: Entry, **changed: Any) -> list[tuple[str, bool]]:
    city = a_city(*entries, **{"attention": ATTENTION, "quiet": QUIET, **changed})
    return heard_by(city, "operator")


def heard_by(city: City, audience: str) -> list[tuple[str, bool]]:
    return [
        (one["message_type"], one["demands_attention"])
        for one in city.all("core.alert")
        if one["audience"] == audience
    ]


def test_a_word_that_nobody_knows_demands_attention_whatever_the_citys_list_says() -> None:
    assert operator_of(called("DRAGON SIGHTED")) == [("alert", True)]


def test_a_quiet_word_of_the_city_stands_in_the_list_and_its_agency_hears_of_it() -> None:
    city = a_city(called("NON EMERGENCY RESPONSE"), attention=ATTENTION, quiet=QUIET)
    assert (heard_by(city, "operator"), heard_by(city, "119")) == ([], [("alert", True)])


def test_an_agency_that_says_itself_that_it_does_not_know_is_no_other() -> None:
    word = called("UNKNOWN EVENT", kind="other", kind_source="table")
    assert operator_of(word) == [("alert", True)]
    assert operator_of(word, quiet=("unknown event",)) == []


@pytest.mark.parametrize(("word", "alerts"), [("HIGHRISE ON FIRE", True), ("TRAFFIC STOP", False)])
def test_a_kind_found_by_parts_alerts_as_the_same_kind_from_a_table(word: str, alerts: bool) -> None:
    by_parts = called(word)
    assert by_parts.value["kind_source"] == "parts"
    by_table = called(word, kind=by_parts.value["kind"], kind_source="table")
    assert operator_of(by_parts) == operator_of(by_table) == [("alert", True)] * alerts


def test_once_the_agency_says_what_it_is_only_the_list_decides() -> None:
    quieted = (called("NON EMERGENCY RESPONSE"), called("DRAGON SIGHTED", revision=2))
    assert operator_of(*quieted) == [("alert", True)]
    assert operator_of(called("TRAFFIC STOP"), called("DRAGON SIGHTED", revision=2, status="closed")) == []


def test_what_a_journal_of_before_says_is_answered_as_it_was() -> None:
    before = called("DRAGON SIGHTED")
    value = {name: said for name, said in before.value.items() if name != "kind_source"}
    assert operator_of(replace(before, value=value)) == operator_of(called("x", kind_source=None)) == []


def test_a_state_of_before_loads_and_one_of_now_keeps_what_it_knew() -> None:
    city = a_city(called("DRAGON SIGHTED"), attention=ATTENTION, quiet=QUIET)
    rows = {e.key: e.value for e in [*city.said, city.state.clock_row()] if e.topic == "core.state"}
    again = City(city.config, CityState.from_records(city.config, rows.items()))
    (report,) = _reports(again)
    assert report.unknown_word == "DRAGON SIGHTED"


def _reports(city: City) -> list[Any]:
    return [one for situation in city.state.situations.values() for one in situation.view.incidents]


def test_houstons_two_quiet_words_are_the_only_ones_that_its_table_knows_nothing_of() -> None:
    city = load_city("houston")
    table = city.load("active-incidents")._kinds.words["houston-fire"].table
    assert {word.casefold() for word in city.rules.quiet} == {
        w for w, kind in table.items() if kind == "other"
    }
