"""The index of a city's memories finds each by its watch and by the kinds that it covers, and forgets both with it."""

from __future__ import annotations

from streams.situations.memory import Memory, memory_of
from streams.situations.state.memories import Memories


def an_area(key: str, *covers: str) -> Memory:
    return memory_of("surge", key, {}, covers=covers)


def covering(memories: Memories, kind: str) -> list[str]:
    return [one.name for one in memories.covering(kind)]


def test_an_area_covers_its_kinds_and_those_beneath_them_until_it_ends() -> None:
    memories = Memories()
    for one in (an_area("wires", "hazard.wires"), an_area("alarm", "fire", "hazard"), an_area("calm")):
        memories.put(one)
    assert covering(memories, "hazard.wires") == ["surge:alarm", "surge:wires"]
    assert covering(memories, "fire.structure") == ["surge:alarm"]
    memories.put(an_area("alarm"))
    assert memories.covers == ("surge:wires",) and "surge:alarm" in memories.by_name
    memories.remove(memories.by_name["surge:wires"])
    assert list(memories.covers) == [] and "surge:wires" not in memories.by_name


def test_a_memory_is_found_by_its_watch_as_long_as_it_is_remembered() -> None:
    memories, entry = Memories(), memory_of("wanted", "W1", {}, watch_id="w")
    memories.put(entry)
    assert memories.name_of_watch("w") == "wanted:W1"
    assert memories.name_of_watch("of a situation") == memories.name_of_watch(None) == ""
    memories.remove(entry)
    assert memories.name_of_watch("w") == ""
