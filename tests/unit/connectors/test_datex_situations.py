"""Road situations of DATEX II: what happens of a situation's records, where it is, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Reading, SourceContext
from connectors.discovery import BadConfig, load_source
from connectors.subjects.lasting import EXPIRED, OVER
from tests.unit.connectors.one_life import NOON, OneLife

CITY = SourceContext("springfield", "roads", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def clock(minute: int) -> str:
    return f"2026-06-01T{12 + minute // 60:02d}:{minute % 60:02d}:00Z"


def at(lat: float, lon: float) -> str:
    return f"<pointCoordinates><latitude>{lat}</latitude><longitude>{lon}</longitude></pointCoordinates>"


HERE = f"<pointByCoordinates>{at(29.75, -95.4)}</pointByCoordinates>"
TMC = "<alertCPoint><alertCLocationCountryCode>6</alertCLocationCountryCode></alertCPoint>"


def a_record(
    kind: str = "Accident",
    inner: str = "",
    *,
    place: str = HERE,
    start: int = 0,
    end: int | None = 60,
    written: int = 0,
    status: str = "definedByValidityTimeSpec",
    over: str = "",
) -> str:
    cycle = (
        f"<management><lifeCycleManagement><{over}>true</{over}></lifeCycleManagement></management>"
        if over
        else ""
    )
    ends = "" if end is None else f"<overallEndTime>{clock(end)}</overallEndTime>"
    return (
        f'<situationRecord xsi:type="{kind}"><situationRecordVersionTime>{clock(written)}</situationRecordVersionTime>'
        f"{cycle}<validity><validityStatus>{status}</validityStatus><validityTimeSpecification>"
        f"<overallStartTime>{clock(start)}</overallStartTime>{ends}</validityTimeSpecification></validity>"
        f"<groupOfLocations>{place}</groupOfLocations>{inner}</situationRecord>"
    )


def a_situation(*records: str, number: int = 1, status: str = "real") -> str:
    header = f"<headerInformation><informationStatus>{status}</informationStatus></headerInformation>"
    return f'<situation id="S-{number}">{header}{"".join(records or (a_record(),))}</situation>'


CREATOR = (
    "<publicationCreator><country>us</country><nationalIdentifier>R</nationalIdentifier></publicationCreator>"
)


def version_2(*situations: str, root: str = "d2LogicalModel") -> str:
    return (
        f'<{root} xmlns="http://datex2.eu/schema/2/2_0" {XSI}><payloadPublication xsi:type="SituationPublication">'
        f"{CREATOR}{''.join(situations)}</payloadPublication></{root}>"
    )


def version_3(*situations: str) -> str:
    return (
        f'<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload" {XSI} xmlns="http://datex2.eu/schema/3/situation"'
        f' xsi:type="sit:SituationPublication">{CREATOR}{"".join(situations)}</d2:payload>'
    )


class Life(OneLife):
    """A source that hears one body after the other."""

    def __init__(self, context: SourceContext = CITY, **config: Any) -> None:
        super().__init__("datex_situations", context, **{"agency": "roads", **config})

    def told(self, *records: str, minute: int | None = 5) -> list[Any]:
        return values(self.hear(version_2(a_situation(*records)), minute))


def values(reading: Reading) -> list[Any]:
    return [event.value for event in reading.events]


def states(told: list[Any]) -> list[tuple[int, str, str | None]]:
    return [(one["revision"], one["status"], one["closed_reason"]) for one in told]


@pytest.mark.parametrize("version", [version_2, version_3])
def test_an_accident_is_a_crash_at_its_coordinates(version: Any) -> None:
    (told,) = values(Life().hear(version(a_situation(a_record("sit:Accident", "<severity>high</severity>")))))
    assert (told["kind"], told["kind_text"], told["agency"]) == ("crash", "Accident", "roads")
    assert (told["agency_case_no"], told["priority"], told["event_time"]) == ("S-1", "high", NOON)
    assert told["position"] == {"lat": 29.75, "lon": -95.4, "accuracy_m": None}


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        (("AbnormalTraffic", "Accident"), "crash"),
        (("VehicleObstruction", "MaintenanceWorks"), "hazard.traffic"),
        (("AnimalPresenceObstruction",), "animal"),
        (("AbnormalTraffic",), "traffic.jam"),
        (("SomethingNew",), "other"),
    ],
)
def test_a_situation_is_one_incident_of_its_gravest_happening(records: tuple[str, ...], kind: str) -> None:
    assert [one["kind"] for one in Life().told(*map(a_record, records))] == [kind]


@pytest.mark.parametrize(
    ("kind", "subtype", "ours"),
    [
        ("Accident", "<accidentType>accidentInvolvingPedestrians</accidentType>", "crash.pedestrian"),
        ("Accident", "<accidentType>other</accidentType>", "crash"),
        (
            "VehicleObstruction",
            "<vehicleObstructionType>vehicleOnFire</vehicleObstructionType>",
            "fire.vehicle",
        ),
        ("GeneralObstruction", "<obstructionType>unprotectedAccidentArea</obstructionType>", "crash"),
        (
            "InfrastructureDamageObstruction",
            "<infrastructureDamageType>fallenPowerCables</infrastructureDamageType>",
            "wires.down",
        ),
    ],
)
def test_the_subtype_says_more_than_the_type(kind: str, subtype: str, ours: str) -> None:
    assert [one["kind"] for one in Life().told(a_record(kind, subtype))] == [ours]


def test_a_citys_own_words_win() -> None:
    assert Life(kinds={"Accident": "crash.minor"}).told()[0]["kind"] == "crash.minor"


def test_works_and_management_alone_are_counted() -> None:
    reading = Life().hear(version_2(a_situation(a_record("ConstructionWorks"))))
    assert (list(reading.events), dict(reading.skipped)) == ([], {"no happening: ConstructionWorks": 1})


def test_an_exercise_is_counted() -> None:
    reading = Life().hear(version_2(a_situation(status="technicalExercise")))
    assert (list(reading.events), dict(reading.skipped)) == ([], {"informationStatus technicalExercise": 1})


# -- places --------------------------------------------------------------------------------------------------


def test_the_points_own_coordinates_come_before_those_of_a_map_and_of_a_line() -> None:
    line = f"<openlr>{at(29.5, -95.5)}</openlr>"
    shown = "<locationForDisplay><latitude>29.6</latitude><longitude>-95.6</longitude></locationForDisplay>"
    for place, lat in ((line + shown + HERE, 29.75), (line + shown, 29.6), (line, 29.5)):
        assert Life().told(a_record(place=place))[0]["position"]["lat"] == lat


def test_a_line_is_told_at_its_middle_or_where_it_crosses_the_city() -> None:
    middle = "<gmlLineString><posList>29.5 -95.5 29.6 -95.5 29.7 -95.5</posList></gmlLineString>"
    assert Life().told(a_record(place=middle))[0]["position"]["lat"] == 29.6
    passing = "<gmlLineString><posList>28.0 -95.5 28.5 -95.5 29.7 -95.5</posList></gmlLineString>"
    assert Life().told(a_record(place=passing))[0]["position"]["lat"] == 29.7


def test_the_place_may_stand_at_another_record() -> None:
    told = Life().told(a_record("Accident", place=""), a_record("AbnormalTraffic"))
    assert (told[0]["kind"], told[0]["position"]["lat"]) == ("crash", 29.75)


def test_coordinates_elsewhere_are_counted() -> None:
    reading = Life().hear(version_2(a_situation(a_record(place=at(60.1, 24.9)))))
    assert (list(reading.events), dict(reading.skipped)) == ([], {"outside the city": 1})


def test_a_tmc_reference_alone_is_noted_once_and_never_guessed() -> None:
    life, body = Life(), version_2(a_situation(a_record(place=TMC)))
    reading = life.hear(body)
    assert values(reading)[0]["position"] is None
    assert reading.noted == {"place by a TMC reference alone": 1}
    assert not life.hear(body).noted
    assert Life(unplaced=False).hear(body).skipped == {"without a place": 1}
    assert Life().hear(version_2(a_situation(a_record(place="")))).noted == {"no place": 1}


# -- life ----------------------------------------------------------------------------------------------------


def test_a_new_version_revises_and_an_old_one_is_not_told() -> None:
    life = Life()
    assert states(life.told()) == [(1, "open", None)]
    assert life.told() == []
    new = a_record("Accident", "<accidentType>headOnCollision</accidentType>", written=3, start=2)
    told = life.told(new)
    assert [(one["revision"], one["kind"], one["event_time"]) for one in told] == [(2, "crash.vehicle", NOON)]
    assert life.told() == []


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ({"over": "end"}, "ended by its operator"),
        ({"over": "cancel"}, "cancelled by its operator"),
        ({"status": "suspended"}, "suspended by its operator"),
    ],
)
def test_an_operator_ends_a_situation(last: dict[str, Any], reason: str) -> None:
    life = Life()
    life.told()
    assert states(life.told(a_record(written=4, **last))) == [(2, "closed", reason)]


def test_a_situation_lasts_while_one_of_its_happenings_does() -> None:
    life = Life()
    life.told()
    assert "closed" not in str(states(life.told(a_record(over="end"), a_record("AbnormalTraffic"))))


def test_a_situation_is_over_at_its_end_and_opens_again_with_a_later_one() -> None:
    life = Life()
    life.told()
    assert states(values(life.hear(version_2(), 60))) == [(2, "closed", EXPIRED)]
    assert states(life.told(a_record(written=61, end=90), minute=62)) == [(3, "open", None)]


def test_an_end_before_its_version_was_written_ends_it_without_a_clock() -> None:
    life = Life()
    life.told(minute=None)
    assert states(life.told(a_record(written=61), minute=None)) == [(2, "closed", EXPIRED)]


def test_what_was_over_or_begins_later_is_counted() -> None:
    assert Life().hear(version_2(a_situation()), 61).skipped == {OVER: 1}
    assert Life().hear(version_2(a_situation(a_record(start=30))), 5).skipped == {"begins later": 1}
    assert Life().hear(version_2(a_situation(a_record(status="planned")))).skipped == {"begins later": 1}


def test_absence_ends_only_in_a_whole_list() -> None:
    both = version_2(a_situation(), a_situation(number=2))
    for whole in (False, True):
        life = Life(whole=whole)
        life.hear(both)
        bad = version_2(a_situation(number=2), a_situation(a_record(""), number=3))
        assert life.hear(bad).aside, "one is unreadable"
        assert not values(life.hear(bad)), "it may be the one that is missing"
        told = values(life.hear(version_2(a_situation(number=2))))
        assert states(told) == ([(2, "closed", "left its operator's list")] if whole else [])


def test_a_situation_that_is_set_aside_is_read_alone_and_ends_no_other() -> None:
    life = Life(whole=True)
    life.hear(version_2(a_situation()))
    (aside,) = life.hear(version_2(a_situation(), a_situation(a_record(""), number=2))).aside
    assert aside.field == "xsi:type"
    alone = (
        (aside.before + aside.original + aside.after).decode().replace('xsi:type=""', 'xsi:type="Accident"')
    )
    told = values(life.hear(alone))
    assert [one["agency_case_no"] for one in told] == ["S-2"]
    in_its_list = Life().hear(version_2(a_situation(number=2)))
    assert told[0]["incident_id"] == values(in_its_list)[0]["incident_id"]


def test_a_message_that_keeps_the_exchange_alive_says_nothing() -> None:
    life = Life(whole=True)
    life.told()
    alive = '<d2LogicalModel xmlns="http://datex2.eu/schema/2/2_0"><exchange><keepAlive>true</keepAlive></exchange></d2LogicalModel>'
    reading = life.hear(alive)
    assert (list(reading.events), list(reading.aside)) == ([], [])


def test_a_publication_of_something_else_is_refused() -> None:
    reading = Life().hear(version_2(a_situation()).replace("SituationPublication", "MeasuredDataPublication"))
    assert [one.field for one in reading.aside] == ["payloadPublication"]


def test_one_situation_by_two_sources_is_one_incident_and_of_two_suppliers_two() -> None:
    (one,) = Life().told()
    (other,) = Life(replace(CITY, source="other-node")).told()
    assert (one["incident_id"], one["event_id"]) == (other["incident_id"], other["event_id"])
    theirs = Life().hear(version_3(a_situation()).replace(">R<", ">X<"))
    assert values(theirs)[0]["incident_id"] != one["incident_id"]


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(BadConfig, match="kinds"):
        load_source("datex_situations", CITY, {"agency": "roads", "kinds": {"Accident": "nothing"}})


def test_a_situation_that_moves_out_of_the_city_ends_here() -> None:
    life = Life()
    life.told()
    assert states(life.told(a_record(place=at(60.1, 24.9), written=3))) == [
        (2, "closed", "no longer of the city")
    ]
