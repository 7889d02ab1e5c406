"""The fold of a recorded time: what is open, at which offset, and from which earlier fold it goes on."""

from __future__ import annotations

from typing import Any

from streams.operators import recorded_fold
from streams.operators.recorded_fold import Checkpoints, OpenFold


def revision(situation_id: str, number: int = 1, **about: Any) -> dict[str, Any]:
    return {"situation_id": situation_id, "revision": number, "status": "open", "merged_into": None, **about}


def test_only_what_is_open_stands_in_the_order_of_its_last_revisions() -> None:
    fold = OpenFold(0)
    for one in (
        revision("a"), revision("b"), revision("c"), None,
        revision("a", 2), revision("b", 2, status="closed"), revision("c", 2, merged_into="a"), revision("d"),
    ):  # fmt: skip
        fold.take(one)
    assert [(one["situation_id"], one["revision"]) for one in fold.values()] == [("a", 2), ("d", 1)]


def test_a_later_time_goes_on_from_the_nearest_earlier_one_and_leaves_it_as_it_was() -> None:
    kept = Checkpoints()
    for end in (10, 20):
        fold = OpenFold(end)
        fold.take(revision(f"until-{end}"))
        kept.keep(fold)
    assert kept.before(9) is None
    again = kept.before(19)
    assert again is not None
    assert again.next_offset == 10
    again.take(revision("later"))
    other = kept.before(10)
    assert other is not None
    assert [one["situation_id"] for one in other.values()] == ["until-10"]


def test_no_more_checkpoints_and_no_more_situations_are_kept_than_allowed(monkeypatch: Any) -> None:
    monkeypatch.setattr(recorded_fold, "STANDING_MAX", 2)
    kept, fold = Checkpoints(count_max=2), OpenFold(0)
    for number in range(4):
        fold.take(revision(str(number)))
        fold.next_offset = number
        kept.keep(fold)
    assert [one["situation_id"] for one in fold.values()] == ["2", "3"]
    assert kept.before(1) is None
