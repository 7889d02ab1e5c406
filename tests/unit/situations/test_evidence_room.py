"""The room for evidence is bounded, and one source's repeats do not fill it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.situations.model import Observed, listed_with

MOST = 4
said = st.tuples(st.sampled_from(["smoke", "crowd", None]), st.sampled_from(["c1", "c2", "c3"]))


def listed(claims: list[tuple[str | None, str]]) -> tuple[Observed, ...]:
    found: tuple[Observed, ...] = ()
    for number, (label, camera) in enumerate(claims):
        found = listed_with(found, Observed(f"e{number}", "t", 0, number, None, 0.0, label, camera), MOST)
    return found


@given(st.lists(said, max_size=40))
def test_as_many_different_claims_as_there_is_room_for_are_listed_in_their_order(
    claims: list[tuple[str | None, str]],
) -> None:
    found = listed(claims)
    assert len(found) == min(len(claims), MOST)
    assert len({one.said_by for one in found}) == min(len(set(claims)), MOST)
    assert [one.offset for one in found] == sorted(one.offset for one in found)


def test_the_first_to_say_something_stay() -> None:
    found = listed([("crowd", "c1")] * 6 + [("smoke", "c2"), ("smoke", "c3"), ("smoke", "c1"), (None, "c1")])
    assert [one.event_id for one in found] == ["e0", "e6", "e7", "e8"]
