"""The incident of each row, and the time at which one has left the list."""

from __future__ import annotations

from connectors.sources._active_list import DOUBTFUL_MAX, REMEMBERED_MAX, Followed, Incident, Key, follow
from tests.unit.connectors.houston_list import MINUTE, NOON, Listener, a_line, another, told


def test_an_incident_that_stays_is_told_once() -> None:
    city = Listener()
    assert told(city.hears(a_line())) == [("medical", "dispatched", 1)]
    assert told(city.hears(a_line())) == []


def test_a_call_time_moved_forward_is_the_same_incident_with_its_first_time() -> None:
    city = Listener()
    first = city.hears(a_line()).events[0].value
    moved = a_line(CALL_TIME=NOON - 2 * MINUTE, Units="X001,X002")
    second = city.hears(moved).events[0].value
    assert first and second
    assert second["incident_id"] == first["incident_id"]
    assert second["agency_case_no"] == first["agency_case_no"]
    assert second["event_time"] == first["event_time"] == NOON - 10 * MINUTE
    assert (second["revision"], second["units"]) == (2, ["X001", "X002"])


def test_a_moved_call_time_alone_tells_nothing_new() -> None:
    city = Listener()
    city.hears(a_line())
    assert told(city.hears(a_line(CALL_TIME=NOON))) == []
    assert told(city.hears(a_line(CALL_TIME=NOON))) == []


def test_a_changed_type_with_a_shared_unit_is_the_same_incident() -> None:
    city = Listener()
    city.hears(a_line())
    assert told(city.hears(a_line(IncidentType="MOTOR VEHICLE INCIDENT", CALL_TIME=NOON))) == [
        ("crash.vehicle", "dispatched", 2)
    ]


def test_rows_of_one_place_without_shared_unit_or_type_or_within_the_hour_are_two_incidents() -> None:
    for other in (
        a_line(IncidentType="GAS LEAK", Units="X777"),
        a_line(CALL_TIME=NOON + 51 * MINUTE),
        a_line(CALL_TIME=NOON - 11 * MINUTE),
        a_line(Agency="P", IncidentType="CRASH/MINOR"),
    ):
        city = Listener()
        city.hears(a_line())
        city.at_ms += 60 * MINUTE
        assert [revision for _, _, revision in told(city.hears(other))] == [1]


def test_the_best_of_two_candidates_is_linked_whatever_the_order() -> None:
    both = [a_line(Units="X001,X002"), a_line(Units="X003", IncidentType="GAS LEAK")]
    moved = [
        a_line(Units="X003,X001", IncidentType="GAS LEAK", CALL_TIME=NOON),
        a_line(Units="X001,X002", CALL_TIME=NOON),
    ]
    for rows in (moved, moved[::-1]):
        city = Listener()
        before = {event.key for event in city.hears(*both).events}
        after = city.hears(*rows)
        assert {event.key for event in after.events} <= before


def test_the_same_key_twice_in_a_list_is_one_incident_with_the_units_of_both() -> None:
    city = Listener()
    reading = city.hears(a_line(Units="X001"), a_line(Units="X002"))
    assert told(reading) == [("medical", "dispatched", 1)]
    assert reading.events[0].value and reading.events[0].value["units"] == ["X001", "X002"]


def test_an_incident_closes_after_two_polls_without_it() -> None:
    city = Listener()
    city.hears(a_line(), another())
    assert told(city.hears(another())) == []
    assert told(city.hears(another())) == [("medical", "closed", 2)]
    assert told(city.hears(another())) == []


def test_one_that_is_back_after_one_poll_never_left() -> None:
    city = Listener()
    city.hears(a_line(), another())
    city.hears(another())
    assert told(city.hears(a_line(), another())) == []
    assert told(city.hears(another())) == []


def test_one_that_returns_after_closing_is_the_same_incident_again() -> None:
    city = Listener()
    first = city.hears(a_line(), another()).events[0]
    city.hears(another())
    city.hears(another())
    again = city.hears(a_line(), another())
    assert told(again) == [("medical", "dispatched", 3)]
    assert again.events[0].key == first.key
    assert again.events[0].value and again.events[0].value["closed_reason"] is None


def test_its_first_key_beside_its_newest_is_one_incident() -> None:
    city = Listener()
    city.hears(a_line())
    city.hears(a_line(CALL_TIME=NOON, Units="X001"))
    assert told(city.hears(a_line(CALL_TIME=NOON), a_line())) == []


def test_empty_failed_and_broken_polls_close_nothing_and_count_for_nothing() -> None:
    city = Listener()
    city.hears(a_line(), another())
    city.hears(another())
    for body in (b"", b"<html>", b'{"features": []}', b'{"features": 7}', b'{"features": [{"attri'):
        assert told(city.hears_body(body)) == []
    assert told(city.hears_body(b'{"features": []}', error="timed out")) == []
    assert told(city.hears(another())) == [("medical", "closed", 2)]


def test_a_list_that_the_server_cut_says_nothing_of_what_left() -> None:
    city = Listener()
    city.hears(a_line(), another())
    for _ in range(4):
        assert told(city.hears(another(), exceededTransferLimit=True)) == []


def test_units_gone_is_open_again() -> None:
    city = Listener()
    assert told(city.hears(a_line(Units=None))) == [("medical", "open", 1)]
    assert told(city.hears(a_line(Units="X001"))) == [("medical", "dispatched", 2)]


def test_an_incident_whose_row_cannot_be_read_has_not_left() -> None:
    for spoilt in (a_line(LATITUDE=91), a_line(UID=...), a_line(Units=5), a_line(CALL_TIME="soon"), 5, None):
        city = Listener()
        city.hears(a_line(), another())
        for _ in range(3):
            reading = city.hears(spoilt, another())
            assert told(reading) == []
            assert len(reading.aside) == 1
        assert told(city.hears(a_line(), another())) == []


def test_a_row_that_cannot_be_read_keeps_no_other_incident_open() -> None:
    city = Listener()
    city.hears(a_line(), another())
    stranger = a_line(UID=..., Units="X555", Address="FAR AWAY ST", CALL_TIME=NOON)
    city.hears(stranger, another())
    assert told(city.hears(stranger, another())) == [("medical", "closed", 2)]


def test_garbage_cannot_keep_an_incident_open_for_ever() -> None:
    city = Listener()
    city.hears(a_line(), another())
    news = [told(city.hears(5, another())) for _ in range(DOUBTFUL_MAX)]
    assert news == [[]] * (DOUBTFUL_MAX - 1) + [[("medical", "closed", 2)]]


def test_no_more_closed_incidents_are_remembered_than_the_limit() -> None:
    keys = [Key("F", str(number), NOON, "EMS EVENT") for number in range(REMEMBERED_MAX + 1)]
    before = Followed({}, {key: Incident(key, key, 1) for key in keys})
    city = Listener()
    city.hears(a_line())
    row_state = Followed.from_place(city.place)
    after, _ = follow(Followed(row_state.active, before.closed), [])
    assert len(after.closed) == REMEMBERED_MAX + 1, "an empty poll changes nothing"
    city.place = Followed(row_state.active, before.closed).to_place()
    city.hears(another())
    kept = Followed.from_place(city.place).closed
    assert len(kept) == REMEMBERED_MAX
    assert keys[0] not in kept
