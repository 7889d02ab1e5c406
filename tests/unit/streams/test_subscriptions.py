"""Events that are for a subscription and those that are not, and subscriptions as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from connectors.subscribers import DELIVERED, Subscriber
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.json_form import from_json_value
from streams.deliver.bodies import delivery_of, shown_value
from streams.deliver.order import in_order, ready
from streams.deliver.polygon import holds, reaches
from streams.deliver.subscriptions import Subscription, event_of, faults_of, in_force, of_row
from streams.runtime.records import Record

SQUARE = ((36.0, 127.0), (36.0, 128.0), (37.0, 128.0), (37.0, 127.0))
ANY = Subscription("desk", "police", "json_lines", {"path": "x"}, audience="*")


def example(contract: str, **about: Any) -> dict[str, Any]:
    one = load_catalogue()[contract]
    shown = orjson.loads((one.folder / "examples" / "typical.json").read_bytes())
    return {**from_json_value(one.newest, shown), **about}


def wants(one: Subscription, contract: str, **about: Any) -> bool:
    return one.wants(contract, example(contract, **about), reader=one.reader(["crime-prevention"]))


@pytest.mark.parametrize(
    ("about", "kind", "is_wanted"),
    [
        ({}, "crash.pedestrian", True),
        ({"kinds": ("crash",)}, "crash", True),
        ({"kinds": ("crash",)}, "crash.pedestrian", True),
        ({"kinds": ("crash.pedestrian",)}, "crash", False),
        ({"kinds": ("fire", "theft")}, "crash", False),
        ({"severity_from": "severe"}, "crash", True),
        ({"severity_from": "extreme"}, "crash", False),
        ({"contracts": ("core.alert",)}, "crash", True),
        ({"contracts": ("core.grant",)}, "crash", False),
        ({"area": SQUARE}, "crash", True),
        ({"area": tuple((lat, lon + 5) for lat, lon in SQUARE)}, "crash", False),
        ({"audience": "119"}, "crash", True),
        ({"audience": "112"}, "crash", False),
        ({"audience": None}, "crash", False),
    ],
)
def test_an_alert_is_wanted_by_kind_severity_area_and_audience(
    about: dict[str, Any], kind: str, is_wanted: bool
) -> None:
    one = replace(ANY, **about)
    assert wants(one, "core.alert", kind=kind, severity="severe", audience="119") is is_wanted


def test_a_grant_is_narrowed_by_its_audience_and_area_alone() -> None:
    one = replace(ANY, kinds=("fire",), severity_from="extreme", audience="112")
    assert wants(one, "core.grant", granted_to="112/car-7")
    assert not wants(one, "core.grant", granted_to="119/car-7")


def test_what_has_no_place_lies_in_no_area() -> None:
    assert not wants(replace(ANY, area=SQUARE), "core.situation", position=None)
    assert wants(ANY, "core.situation", position=None)


def test_a_disc_that_reaches_into_the_area_is_in_it() -> None:
    assert holds(SQUARE, 36.5, 127.5) and not holds(SQUARE, 36.5, 128.01)
    assert reaches(SQUARE, 36.5, 128.01, 1_000)  # 894 m from the edge
    assert not reaches(SQUARE, 36.5, 128.01, 800)
    assert reaches(SQUARE, 36.5, 127.5, 0)


def test_of_all_events_only_alerts_go_as_cap() -> None:
    one = replace(ANY, format="cap", audience="*")
    assert [name for name in DELIVERED if wants(one, name)] == ["core.alert"]
    assert faults_of(one) == faults_of(replace(one, contracts=("core.alert",))) == []


def test_a_subscription_is_the_same_after_its_row() -> None:
    one = replace(ANY, area=SQUARE, kinds=("crash",), created_at=5, retried_at=7, state="paused")
    row = event_of(one, "town", now_ms=9).value
    assert row is not None and of_row(row) == one


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"format": "xml"}, "format"),
        ({"format": "cap", "contracts": ("core.alert", "core.grant")}, "contracts"),
        ({"who": " "}, "who"),
        ({"contracts": ("cctv.plate",)}, "contracts"),
        ({"contracts": ("core.alert", "cctv.person")}, "contracts"),
        ({"contracts": ("police.missing",)}, "contracts"),
        ({"contracts": ("core.candidate",)}, "contracts"),
        ({"contracts": ("core.route",)}, "contracts"),
        ({"kinds": ("crush",)}, "kinds"),
        ({"severity_from": "bad"}, "severity_from"),
        ({"language": "Korean!"}, "language"),
        ({"area": SQUARE[:2]}, "area"),
        ({"area": ((91.0, 0.0), *SQUARE)}, "area"),
        ({"settings": {"secrets": ["whsec_abc"]}}, "secrets"),
        ({"settings": {"api_key": "abc"}}, "api_key"),
        ({"settings": {"x": "y" * 20_000}}, "settings"),
    ],
)
def test_a_wrong_subscription_is_refused_without_its_value(about: dict[str, Any], field: str) -> None:
    one = replace(ANY, **about)
    (fault,) = faults_of(one)
    assert fault.field == field and "abc" not in f"{fault.what}{fault.hint}"
    row = event_of(one, "town", now_ms=9).value
    assert row is not None
    with pytest.raises(Invalid):
        of_row(row)


def test_secrets_by_name_are_no_fault() -> None:
    assert not faults_of(replace(ANY, settings={"secrets": ["${DESK_SECRET}", "${FILE:town.desk}"]}))


def test_the_citys_file_says_what_and_a_row_of_that_name_only_whether() -> None:
    row = replace(ANY, audience="112", state="paused", retried_at=3)
    found = in_force({"desk": ANY}, {"desk": row, "gone": replace(ANY, name="gone", state="removed")})
    assert found == {"desk": replace(ANY, state="paused", retried_at=3)}


def test_a_body_lacks_what_its_reader_may_not_see() -> None:
    value = example("core.situation", acknowledged_by="k1")
    shown = shown_value("core.situation", value)
    data = []
    for reader in (Subscriber("*", True), Subscriber("*", False)):
        one = delivery_of("core.situation", "s1", value, shown, reader, language="en")
        assert (one.event_id, one.key) == (value["event_id"], "s1")
        data.append(orjson.loads(one.body)["data"]["acknowledged_by"])
    assert data == ["k1", None]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Fire"),
        ("EN-GB-oed", "Fire"),
        ("en-x-desk", "Fire"),
        ("th", "ไฟไหม้"),
        ("ko", "화재"),
        ("fr", "화재"),
        ("e", "화재"),
    ],
)
def test_an_alerts_headline_is_in_the_language_of_the_subscription(language: str, said: str) -> None:
    further = [{"language": "en", "headline": "Fire"}, {"language": "th", "headline": "ไฟไหม้"}]
    value = example("core.alert", headline="화재", headlines=further)
    shown = shown_value("core.alert", value)
    one = delivery_of("core.alert", "s1", value, shown, Subscriber("*"), language=language)
    data = orjson.loads(one.body)["data"]
    assert data["headline"] == said
    assert data["headlines"] == further
    assert shown["headline"] == "화재", "the next receiver's own is not changed"


def record(topic: str, offset: int, at: int) -> Record:
    return Record(topic, 0, offset, at, None, None, {})


def test_records_of_several_topics_go_by_time_and_each_topic_in_its_own_order() -> None:
    records = [record("a", 1, 50), record("a", 2, 10), record("b", 7, 20), record("b", 8, 60)]
    assert [(one.topic, one.offset) for one in in_order(records, ("a", "b"))] == [
        *(("b", 7), ("a", 1), ("a", 2), ("b", 8)),
    ]


def test_nothing_is_taken_before_what_may_still_come() -> None:
    records = [record("a", 1, 50), record("a", 2, 90), record("b", 7, 60)]
    assert [one.offset for one in ready(records, ("a", "b"), {})] == [1, 7]
    assert [one.offset for one in ready(records, ("a", "b"), {"b"})] == [1, 7, 2]
    assert ready(records, ("a", "b", "c"), {}) == []


def test_an_area_tells_no_place_that_is_masked() -> None:
    public = replace(ANY, audience=None, area=SQUARE)
    alert = {"audience": "public", "position": {"lat": 36.5, "lon": 127.5}}
    assert not wants(public, "core.alert", **alert, area={"lat": 35.0, "lon": 127.5, "radius_m": 100.0})
    assert not wants(public, "core.alert", **alert, area=None)
    assert wants(replace(public, audience="*"), "core.alert", **alert, area=None)
    assert wants(public, "core.alert", **alert, area={"lat": 36.5, "lon": 127.5, "radius_m": 100.0})
