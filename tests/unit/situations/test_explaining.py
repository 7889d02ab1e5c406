"""Every revision says what came in, what tied its reports, and what was nearly one of them."""

from __future__ import annotations

from streams.situations.entry import Entry
from streams.situations.explaining import Explanation, explanation
from tests.unit.situations.a_city import City, a_camera, an_action, an_incident, place, rules


def explained(*entries: Entry, city: City | None = None) -> list[Explanation]:
    city = city or City()
    found = []
    for entry in entries:
        for event in city.take(entry):
            if event.topic == "core.situation" and event.value is not None:
                found.append(explanation(city.state, event.value, entry))
    return found


def test_it_names_the_report_the_rule_and_the_numbers_in_force() -> None:
    city = City()
    (first,) = explained(an_incident("F1"), city=city)
    assert first.came_in == "report no F1 of 119 (crash.vehicle, open), demo.fire.incident[0]@1"
    assert (first.decided_by, first.because) == (
        f"joint-incident 1+{city.config.numbers()}",
        "reported by 119",
    )
    assert first.numbers == city.config.digest()
    assert (first.ties, first.nearly) == ((), None)


def test_it_says_what_tied_two_reports_and_how_far_apart_they_may_be() -> None:
    *_, last = explained(
        an_incident("F1"), an_incident("P1", kind="crash", where=place(32), happened="12:02")
    )
    assert last.ties == (
        "no P1 of 112 (crash) with no F1 of 119 (crash.vehicle): 32 m and 120 s;"
        " crash and crash.vehicle may be 200 m and 900 s apart",
    )


def nearly(*others: Entry) -> str | None:
    return explained(*others, an_incident("F9", where=place(0)))[-1].nearly


def test_the_nearest_that_did_not_join_is_named_with_the_reason() -> None:
    assert nearly(an_incident("P1", kind="crash", where=place(260))) == (
        "no P1 of 112 (crash), 260 m and 0 s from no F9 of 119 (crash.vehicle): at most 200 m apart"
    )
    assert (nearly(an_incident("P1", kind="crash", happened="11:40")) or "").endswith("at most 900 s apart")
    assert "never within" in (nearly(an_incident("F1", where=place(10))) or "")
    assert (nearly(an_incident("P1", kind="crime.larceny")) or "").endswith(
        "crash.vehicle and crime.larceny are never one happening"
    )
    assert nearly(an_incident("P1", kind="crash", where=place(9_000))) is None


def test_of_several_it_is_the_one_that_missed_by_least() -> None:
    told = nearly(
        an_incident("P1", kind="crash", where=place(700)), an_incident("P2", kind="crash", where=place(-230))
    )
    assert told is not None and told.startswith("no P2")


def test_what_an_operator_did_explains_itself() -> None:
    city = City()
    explained(an_incident("F1"), an_incident("P1", kind="crash"), a_camera(), city=city)
    (situation,) = city.live()
    parts = explained(an_action("separate", situation["situation_id"], reports=["P1"]), city=city)
    assert parts[0].came_in.startswith("separate by acc-7, ")
    assert any((part.nearly or "").endswith("an operator separated them") for part in parts)


def test_what_was_only_due_says_so() -> None:
    city = City(rules(expire_after_min=30))
    *_, last = explained(an_incident("F1"), an_incident("P9", heard="13:00", where=place(5_000)), city=city)[
        :2
    ]
    assert last.because == "every report is closed"
    assert last.came_in.startswith("the time, before report no P9")
