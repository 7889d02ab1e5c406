"""Emergency incident data objects: complete ones, ones with parts missing, and bodies that are something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.formats.pidf_lo import Whereabouts, read_pidf_lo
from schemas.errors import Fatal, Invalid

SPRINGFIELD = SourceContext(
    "springfield", "eido", ZoneInfo("America/Chicago"), Bounds(29.40, -95.95, 30.20, -94.95)
)
NOON = 1_780_315_200_000
"""2026-06-01 12:00 UTC, 07:00 in Springfield"""
MINUTE = 60_000
FIRE, POLICE = "fire.springfield.example", "police.springfield.example"


def a_location(inner: str, kind: str = "Incident", ref: str = "loc-1") -> dict[str, Any]:
    spaces = 'xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0"'
    xml = f'<?xml version="1.0" encoding="UTF-8"?><presence {spaces}>{inner}</presence>'
    return {"$id": ref, "locationTypeDescriptionRegistryText": kind, "locationByValue": xml}


POINT = a_location("<gml:Point><gml:pos>29.7 -95.4</gml:pos></gml:Point>")


def clock(minute: int) -> str:
    return f"2026-06-01T07:{minute:02d}:00.000-05:00"


def a_unit(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"$id": name, "emergencyResourceName": name, "primaryUnitStatusRegistryText": status, **more}


def an_eido(*, minute: int = 2, agency: str = FIRE, incident: Any = None, **parts: Any) -> dict[str, Any]:
    """A document; ``...`` for a part leaves it out."""
    about = {"incidentTypeCommonRegistryText": "Structure Fire", "locationReference": [{"$ref": "loc-1"}]}
    document = {
        "$id": "urn:emergency:uid:incidentid:26-1:springfield.example",
        "lastUpdateTimeStamp": clock(minute),
        "updatedByAgencyReference": {"$ref": agency},
        "eidoVersion": "1.0",
        "agencyComponent": [{"$id": agency, "agencyType": [agency.partition(".")[0]]}],
        "callComponent": [{"callStartTimestamp": clock(0), "standardPrimaryCallType": "emergency"}],
        "incidentComponent": about if incident is None else {**about, **incident},
        "locationComponent": [POINT],
        **parts,
    }
    return {name: part for name, part in document.items() if part is not ...}


def hears(
    *documents: Any, place: Any = None, at_ms: int | None = NOON + 60 * MINUTE, **config: Any
) -> Reading:
    source = load_source("nena_eido", SPRINGFIELD, {"kinds": {"structure fire": "fire.building"}, **config})
    body = orjson.dumps(documents[0] if len(documents) == 1 else documents)
    return source.read(Heard(body, at_ms), place or {})


def value(reading: Reading) -> dict[str, Any]:
    assert not reading.aside, reading.aside
    (event,) = reading.events
    return dict(event.value or {})


def test_a_fire_that_a_centre_passes_on_is_an_incident_with_its_place() -> None:
    reading = hears(an_eido(), agencies={FIRE: {"name": "sfd"}})
    told = value(reading)
    assert (reading.events[0].topic, told["agency"], told["kind"]) == (
        "fire.incident",
        "sfd",
        "fire.building",
    )
    assert (told["event_time"], told["received_time"]) == (NOON, NOON + 60 * MINUTE)
    assert told["position"] == {"lat": 29.7, "lon": -95.4, "accuracy_m": None}
    assert (told["status"], told["units"], told["agency_case_no"]) == ("open", [], an_eido()["$id"])


def test_a_call_that_is_passed_on_without_an_incident_is_told_without_kind_and_place() -> None:
    told = value(hears(an_eido(incidentComponent=..., locationComponent=...)))
    assert (told["kind"], told["kind_text"], told["position"]) == ("other", "emergency", None)


def test_whose_it_is_says_the_city_then_the_agencys_type_then_the_kind() -> None:
    def topic(**config: Any) -> str:
        agency = config.pop("agency", "psap.springfield.example")
        return hears(an_eido(agency=agency), **config).events[0].topic

    assert topic(agency=POLICE) == "police.incident"
    assert topic(agency=POLICE, agencies={POLICE: {"name": "spd", "domain": "fire"}}) == "fire.incident"
    assert topic(domain="police") == "police.incident"
    assert topic(domain="police", domains={"fire": "fire"}) == "fire.incident"
    assert topic(agency_types={"psap": "police"}) == "police.incident"


def test_police_and_fire_that_speak_of_one_incident_tell_an_incident_each() -> None:
    reading = hears(an_eido(), an_eido(agency=POLICE))
    assert [event.topic for event in reading.events] == ["fire.incident", "police.incident"]
    assert len({event.key for event in reading.events}) == 2


def test_the_owner_of_an_incident_goes_before_who_last_wrote_of_it() -> None:
    agencies = [{"$id": POLICE}, {"$id": FIRE, "incidentOwningAgencyIndicator": True}]
    assert value(hears(an_eido(agency=POLICE, agencyComponent=agencies)))["agency"] == FIRE


def test_an_incident_lives_and_ends_by_its_words_and_its_units() -> None:
    def stated(*words: str, **parts: Any) -> str:
        incident = {"incidentStatusCommonRegistryText": list(words)}
        return str(value(hears(an_eido(incident=incident, **parts)))["status"])

    going, there = [a_unit("E1", "En Route")], [a_unit("E1", "En Route"), a_unit("E2", "On Scene")]
    assert stated("Active") == "open"
    assert stated("Active", emergencyResourceComponent=going) == "dispatched"
    assert stated("Active", emergencyResourceComponent=there) == "arrived"
    assert stated("Active", dispatchComponent=[{"agencyReference": {"$ref": FIRE}}]) == "dispatched"
    assert stated("Closed", emergencyResourceComponent=there) == "closed"
    assert stated("Active", "Closed") == "open", "closed for one agency is not closed"


def test_a_status_word_that_nobody_knows_is_noted_and_closes_nothing() -> None:
    reading = hears(an_eido(incident={"incidentStatusCommonRegistryText": ["Frobnicated"]}))
    assert value(reading)["status"] == "open"
    assert reading.noted == {"status unknown: Frobnicated": 1}
    told = hears(
        an_eido(incident={"incidentStatusInternalText": "frobnicated"}), statuses={"Frobnicated": "closed"}
    )
    assert value(told)["status"] == "closed"


def test_units_on_another_incident_are_not_on_this_one() -> None:
    units = [
        a_unit("E2", "On Scene", activeOnIncidentId="urn:other"),
        a_unit("E1", "Assigned"),
        {"$id": "M3"},
    ]
    told = value(hears(an_eido(emergencyResourceComponent=units)))
    assert (told["units"], told["status"]) == (["E1", "M3"], "dispatched")


def test_later_documents_are_revisions_earlier_ones_are_not_told_and_the_first_time_stays() -> None:
    quiet: dict[str, Any] = {"callComponent": ...}
    first = hears(an_eido(minute=2, **quiet))
    going = [a_unit("E1", "En Route")]
    second = hears(an_eido(minute=5, emergencyResourceComponent=going, **quiet), place=first.place)
    late = hears(an_eido(minute=3, **quiet), place=second.place)
    told = value(second)
    assert (told["revision"], told["event_time"]) == (2, NOON + 2 * MINUTE)
    assert (len(late.events), dict(late.skipped)) == (0, {"older than what was told": 1})


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        ("<gml:Point><gml:pos> 29.7  -95.4 </gml:pos></gml:Point>", (29.7, -95.4, None)),
        (
            '<gml:Point srsName="urn:ogc:def:crs:EPSG::4979"><gml:pos>29.7 -95.4 12</gml:pos></gml:Point>',
            (29.7, -95.4, None),
        ),
        (
            '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>29.7 -95.4</gml:pos>'
            '<gs:radius uom="urn:ogc:def:uom:EPSG::9001">50</gs:radius></gs:Circle>',
            (29.7, -95.4, 50.0),
        ),
        ("<gml:Polygon><gml:pos>29.7 -95.4</gml:pos></gml:Polygon>", None),
        ('<gml:Point srsName="EPSG:3857"><gml:pos>1 2</gml:pos></gml:Point>', None),
        ("<gml:Point><gml:pos>0 0</gml:pos></gml:Point>", None),
        ("<gml:Point><gml:pos>29.7</gml:pos></gml:Point>", None),
        ("<gml:Point><gml:pos>north west</gml:pos></gml:Point>", None),
        ("<broken", None),
    ],
)
def test_shapes_and_what_is_no_place(inner: str, place: tuple[float, float, float | None] | None) -> None:
    found = value(hears(an_eido(locationComponent=[a_location(inner)])))["position"]
    assert found == (None if place is None else dict(zip(("lat", "lon", "accuracy_m"), place, strict=True)))


def test_a_place_outside_the_city_is_set_aside_with_the_document() -> None:
    far = an_eido(locationComponent=[a_location("<gml:Point><gml:pos>41 -75</gml:pos></gml:Point>")])
    reading = hears(an_eido(), far)
    assert len(reading.events) == 1
    assert [(aside.field, orjson.loads(aside.original)) for aside in reading.aside] == [("position", far)]


def test_where_a_call_was_routed_from_is_no_place_of_the_incident_but_where_the_caller_is_may_be() -> None:
    point = "<gml:Point><gml:pos>29.7 -95.4</gml:pos></gml:Point>"
    unlinked = {"locationReference": ...}
    for kind, known in (("RoutingLocation", False), ("Caller", True)):
        document = an_eido(incident={}, locationComponent=[a_location(point, kind)])
        document["incidentComponent"].pop(*unlinked)
        assert (value(hears(document))["position"] is not None) == known


def test_an_address_without_a_point_is_kept() -> None:
    civic = "<civicAddress><A1>TX</A1><A3>Springfield</A3><RD>Made Up</RD><STS>St</STS><HNO>4</HNO></civicAddress>"
    told = value(hears(an_eido(locationComponent=[a_location(civic)])))
    assert (told["address"], told["position"]) == ("4 Made Up St, Springfield, TX", None)


def test_no_entity_is_expanded_and_no_definition_read() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cccc">]><presence>&b;</presence>'
    with pytest.raises(Invalid):
        read_pidf_lo(bomb)
    with pytest.raises(Invalid, match="too long"):
        read_pidf_lo("<a>" + "b" * 100_000 + "</a>")
    assert read_pidf_lo("<a/>") == Whereabouts()
    reading = hears(an_eido(locationComponent=[{**POINT, "locationByValue": bomb}]))
    assert value(reading)["position"] is None
    assert list(reading.noted) == ["location left out: the location is no XML of ours"]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"$id": ...}, "$id"),
        ({"$id": 7}, "$id"),
        ({"eidoVersion": ..., "agencyComponent": ...}, "eidoVersion"),
        ({"agencyComponent": [], "updatedByAgencyReference": ...}, "agencyComponent"),
        ({"lastUpdateTimeStamp": "2026-06-01T07:00:00", "callComponent": []}, "lastUpdateTimeStamp"),
        ({"callComponent": [{"callStartTimestamp": "2026-06-02T07:00:00Z"}]}, "callStartTimestamp"),
    ],
)
def test_a_document_without_what_names_it_is_set_aside(parts: dict[str, Any], field: str) -> None:
    reading = hears(an_eido(**parts))
    assert (len(reading.events), [aside.field for aside in reading.aside]) == (0, [field])


def test_settings_that_cannot_be_meant_are_refused() -> None:
    for wrong in ({"kinds": {"a": "dragon"}}, {"words": "narnia"}, {"domain": "magic"}):
        with pytest.raises(Fatal):
            load_source("nena_eido", SPRINGFIELD, wrong)


def branches(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from branches(inner, (*path, key))


WHOLE = an_eido(
    incident={"incidentStatusCommonRegistryText": ["Active"], "incidentCommonPriorityNumber": 2},
    emergencyResourceComponent=[a_unit("E1", "En Route")],
    dispatchComponent=[{"agencyReference": {"$ref": FIRE}}],
)
OTHER_THINGS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1e308, "", "x", [], [None], [[]], {}, {"$ref": 3}]
)


@settings(max_examples=80)
@given(st.sampled_from(list(branches(WHOLE))[1:]), OTHER_THINGS)
def test_whatever_stands_in_a_part_reading_never_raises_and_loses_nothing(
    path: tuple[Any, ...], thing: Any
) -> None:
    document = orjson.loads(orjson.dumps(WHOLE))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = thing
    reading = hears(document)
    assert len(reading.events) + len(reading.aside) == 1
