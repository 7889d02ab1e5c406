"""Chapters of the island's story: each is told by the value that it waits for, and by none that only looks like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from deploy.demo.chapter import Chapter
from deploy.demo.island_desk import ASSIGN
from deploy.demo.island_speaking import SOURCE
from deploy.demo.story_island import island_chapters

BLANK = {"connectors": {}, "sessions": {}, "ids": [], "slot": "", "is_silent": False}


def chapter(about: str) -> Chapter:
    (found,) = (one for one in island_chapters() if one.about == about)
    return found


def answers(*statuses: int) -> dict[str, Any]:
    return {"booking_id": "r", "answers": [{"status": one, "vehicle_id": "van-2"} for one in statuses]}


@pytest.mark.parametrize(
    ("statuses", "is_told"),
    [((200, 409), True), ((409, 200), True), ((200, 200), False), ((409, 409), False), ((200, 503), False)],
)
def test_two_dispatchers_are_told_only_where_one_has_the_ride_and_the_other_a_conflict(
    statuses: tuple[int, ...], is_told: bool
) -> None:
    one = chapter("two dispatchers who assign one ride")
    assert one.contract == ASSIGN and one.is_it(answers(*statuses)) is is_told


def a_memory(source: str, window: Sequence[float] | None) -> dict[str, Any]:
    asked = {"asked": {"window": window, "is_open": True}}
    return {"source": source, "place": orjson.dumps({**BLANK, **asked})}


def test_a_profile_is_told_of_a_charger_that_answered_it_and_of_no_other_source() -> None:
    one = chapter("a charger's profile of that window")
    window = [0, 1_772_964_000_000, 11_000]
    assert one.is_it(a_memory(f"{SOURCE}/JEJU-0001", window))
    assert "JEJU-0001 has its profile: 11000 W at most" in one.words(a_memory(f"{SOURCE}/JEJU-0001", window))
    assert not one.is_it(a_memory(f"{SOURCE}/JEJU-0001", None))
    assert not one.is_it({"source": "bikes", "place": b"{}"})
    assert not one.is_it(a_memory("other/JEJU-0001", window))


def test_a_situation_of_another_rule_tells_no_fault_of_a_hub() -> None:
    one = chapter("the situation 'empty'")
    assert one.is_it({"rule": "hub", "reason": "empty"})
    assert not one.is_it({"rule": "surge", "reason": "empty"})
    assert not one.is_it({"rule": "hub", "reason": "full"})
