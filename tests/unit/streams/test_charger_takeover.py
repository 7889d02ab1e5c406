"""Taking over a charger: nobody waits for a mark longer than they may, and no memory is taken from half a reading."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest

from connectors.subjects.charger_list import charger_list
from connectors.subjects.charging_replies import Terms
from connectors.subjects.charging_sessions import Charger
from schemas.errors import Retriable
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.chargers import charger_takeover as module
from streams.chargers.charger_takeover import Neighbours
from streams.chargers.post import Post
from streams.runtime.follower import Following
from tests.a_charger import LIST

NOW_MS = 1_772_960_400_000


def neighbours() -> Neighbours:
    """Return those of a process whose log nobody reads."""
    wire = Wire(Registry("http://127.0.0.1:9"))
    ids, following = charger_list(LIST), Following("here", bootstrap="")
    return Neighbours("jeju", "chargers", "a", ids, following, wire=wire, life="l", now_ms=lambda: NOW_MS)


def test_who_waits_behind_others_for_a_mark_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_S", 0.1)

    async def write(events: Sequence[Event]) -> None:
        assert events

    async def story() -> None:
        one, begun = neighbours(), monotonic()
        ends = await asyncio.gather(*(one.known(write) for _ in range(10)), return_exceptions=True)
        assert {type(end) for end in ends} == {TimeoutError}
        assert monotonic() - begun < 0.5

    asyncio.run(story())


def test_a_reading_that_begins_anew_meanwhile_gives_no_memory() -> None:
    one: Any = neighbours()
    one._follower.trouble = None

    class Anew:
        """A lock before whose holder the log is begun anew."""

        def __enter__(self) -> None:
            one._follower.trouble, one._others = "away", {}

        def __exit__(self, *_about: object) -> None: ...

    one._lock = Anew()
    listed = charger_list(LIST)["C-1"]
    with pytest.raises(Retriable):
        one.take_over(Post(listed, Charger("C-1", "greego", b"0" * 32, None), Terms(300)))
