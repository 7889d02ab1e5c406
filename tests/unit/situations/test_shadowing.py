"""Shadow rules see every entry and change no answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.shadow import unseen
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_camera, a_tick, an_action, an_incident, place, rules

WIDER = [{"name": "joint-incident", "numbers": {"radius_m": 400}}]
LIFE = (
    a_camera(),
    an_incident("F1"),
    an_incident("P1", kind="crash", where=place(300)),
    a_tick("12:30"),
    an_incident("F1", status="closed", revision=2, heard="12:40"),
)


def lived(config: RulesConfig, *entries: Entry) -> City:
    city = City(config)
    city.take(*entries)
    return city


def in_shadow(city: City, topic: str) -> list[dict[str, Any]]:
    said = [one for one in city.all("core.shadow") if one["topic"] == topic]
    return [orjson.loads(one["body"]) for one in said]


def plain(city: City) -> list[Any]:
    """The answers without those of the shadow rules."""
    return [
        (one.topic, one.key, one.value)
        for one in city.said
        if one.topic != "core.shadow" and not one.key.startswith("shadow:")
    ]


def test_what_is_said_is_the_same_with_a_shadow_and_without() -> None:
    assert plain(lived(rules(shadows=WIDER), *LIFE)) == plain(lived(rules(), *LIFE))


def test_the_shadow_says_what_the_candidate_would() -> None:
    city = lived(rules(shadows=WIDER), *LIFE)
    candidate = lived(rules(radius_m=400), *LIFE)
    for topic in ("core.situation", "core.alert", "core.grant"):
        assert in_shadow(city, topic) == candidate.all(topic)
    assert len(city.live()) == 2 and len(candidate.live()) == 1
    codec = RowCodec(load_catalogue()["core.shadow"].newest)
    for value in city.all("core.shadow"):
        assert codec.decode(codec.encode(value)) == value
        assert value["rules"] == rules(radius_m=400).digest


def test_a_shadow_that_begins_later_knows_what_the_city_knew() -> None:
    city = lived(rules(), *LIFE[:2])
    city.take(Entry("rules", "demo.rules", 0, 0, rules(shadows=WIDER).canonical()), *LIFE[2:])
    last = in_shadow(city, "core.situation")
    assert max(len(one["incidents"]) for one in last) == 2


def test_a_shadow_taken_away_leaves_no_row() -> None:
    city = lived(rules(shadows=WIDER), *LIFE)
    city.take(Entry("rules", "demo.rules", 0, 0, rules().canonical()))
    rows = {one.key: one.value for one in city.said if one.topic == "core.state"}
    assert all(value is None for key, value in rows.items() if key.startswith("shadow:"))
    assert city.state.shadow is None
    assert any(key.startswith("shadow:") for key in rows)


def test_a_restart_finds_the_shadow_as_it_was() -> None:
    config = rules(shadows=WIDER)
    whole = lived(config, *LIFE)
    for cut in range(1, len(LIFE)):
        before, after = lived(config, *LIFE[:cut]), City(config)
        rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
        clock = before.state.clock_row()
        rows[clock.key] = clock.value
        after.said.clear()
        after.state = CityState.from_records(config, rows.items())
        after.take(*LIFE[cut:])
        assert [(e.topic, e.key, e.value) for e in [*before.said, *after.said]] == [
            (e.topic, e.key, e.value) for e in whole.said
        ]


def test_an_action_on_what_only_the_city_knows_leaves_the_shadow_alone() -> None:
    city = lived(rules(shadows=WIDER), *LIFE[:3])
    younger = city.live()[1]["situation_id"]
    assert city.take(an_action("note", younger)) != []


def test_a_surge_can_be_tried_in_shadow() -> None:
    family = {"kinds": ["alarm"], "per_hour": 1, "by_hour": [1.0] * 24}
    city = City(rules(shadows=[{"name": "surge", "numbers": {"families": {"alarm": family}}}]))
    for n in range(12):
        city.take(an_incident(f"F{n}", kind="alarm", where=place(n * 700)))
    assert [one["rule"] for one in city.all("core.alert")].count("surge") == 0
    assert [one["rule"] for one in in_shadow(city, "core.alert")].count("surge") > 0


def test_a_candidate_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValidationError):
        rules(shadows=[{"name": "joint-incident", "numbers": {"radius_m": -1}}])
    with pytest.raises(ValidationError):
        rules(shadows=[{"name": "nothing"}])


WATCH = {"purpose": "fire-safety", "labels": ["smoke"]}
STRICTER = {"min_confidence": 0.9}


@pytest.mark.parametrize(
    ("others", "shadow", "names"),
    [
        ([], {"name": "unconfirmed"}, ["unconfirmed"]),
        ([], {"name": "wanted"}, ["wanted"]),
        ([], {"name": "disaster"}, []),
        ([], {"name": "joint-incident", "numbers": {"watch": WATCH}}, ["joint-incident"]),
        ([], {"name": "joint-incident", "numbers": {"radius_m": 400}}, []),
        (["wanted"], {"name": "wanted", "numbers": {"close_after_min": 5}}, []),
        (["unconfirmed"], {"name": "unconfirmed", "numbers": {"sources": 3}}, []),
        (["unconfirmed"], {"name": "unconfirmed", "numbers": STRICTER}, ["unconfirmed"]),
    ],
)
def test_a_rule_in_shadow_whose_own_watches_nobody_opens_is_named(
    others: list[str], shadow: dict[str, Any], names: list[str]
) -> None:
    config = rules(others=[{"name": name, "numbers": {}} for name in others], shadows=[shadow])
    candidate = config.candidate()
    assert candidate is not None
    assert [one.partition(":")[0] for one in unseen(config, candidate)] == names
