"""How much the storm of May 2024 in Houston asked of the city's operator, against one alert for each incident.

The city's list came every quarter of an hour, so everything that a poll brought came at one moment: floods are counted as
they would have come.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.event import Event
from streams.effects import first_heard, load_of, load_of_times
from streams.situations.config import is_a
from tests.scenario.test_derecho_joins import RECORDING, Heard, heard, lived
from tests.scenario.test_derecho_surges import may

STORM = (may("16 23:00"), may("17 18:00"))
OWN = ("fire.building", "fire.explosion", "rescue")


@pytest.fixture(scope="module")
def said(data_dir: Path) -> list[Event]:
    recording: Heard = heard(data_dir / RECORDING)
    return lived(recording)


def values(said: list[Event], topic: str) -> list[Mapping[str, Any]]:
    return [event.value for event in said if event.topic == topic and event.value is not None]


def test_the_storm_asks_a_fifth_of_the_operator_and_hardly_any_flood_is_left(said: list[Event]) -> None:
    start, end = STORM
    times = first_heard(values(said, "core.situation")).values()
    before = load_of_times(times, from_ms=start, to_ms=end)
    after = load_of(values(said, "core.alert"), "operator", from_ms=start, to_ms=end)
    assert before.alerts >= 5 * after.alerts
    assert after.flood_share < before.flood_share / 2
    assert after.chattering == 0


def test_every_building_fire_rescue_and_explosion_has_its_own_alert(said: list[Event]) -> None:
    told = {one["situation_id"] for one in values(said, "core.alert") if one["audience"] == "operator"}
    newest = {one["situation_id"]: one for one in values(said, "core.situation")}
    grave = {
        one["situation_id"]
        for one in values(said, "core.situation")
        if one["status"] != "closed" and any(is_a(one["kind"], kind) for kind in OWN)
    }
    assert len(grave) > 80
    assert grave <= told
    assert all(newest[one]["rule"] == "joint-incident" for one in grave)


def test_a_graver_word_for_the_same_case_is_told_even_if_it_was_listed(said: list[Event]) -> None:
    """Among the listed ones, some turned out to be more: those left the list."""
    kinds: dict[str, set[bool]] = {}
    for one in values(said, "core.situation"):
        kinds.setdefault(one["situation_id"], set()).add(one["listed_under"] is None)
    assert any(len(told) == 2 for told in kinds.values())
