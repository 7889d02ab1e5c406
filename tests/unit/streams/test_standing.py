"""Events that were read before are skipped; new ones are not, whatever their time."""

from __future__ import annotations

from connectors.base import Heard
from streams.ingest.place import ALL_DONE, FILES_MAX, SPANS_MAX, SourcePlace, body_of, standing_from


def a_poll(at_ms: int) -> Heard:
    return Heard(b"x", at_ms)


def played(standing: SourcePlace, *moments: int) -> tuple[SourcePlace, list[int]]:
    """The *moments* left after skipping those read before; each leaves its moment as the source's place."""
    new = []
    for at_ms in moments:
        if not standing.has_heard(a_poll(at_ms), ""):
            new.append(at_ms)
            standing = standing.after_moment(at_ms, {"at": at_ms})
    return standing, new


def test_a_recording_played_again_is_not_heard_again() -> None:
    standing, _ = played(SourcePlace(), 10, 20, 30)
    assert played(standing, 10, 20, 30)[1] == []


def test_after_the_first_half_only_the_second_is_new() -> None:
    standing, _ = played(SourcePlace(), 10, 20)
    standing, new = played(standing, 10, 20, 30, 40)
    assert new == [30, 40]
    assert standing.place == {"at": 40}


def test_a_recording_older_than_all_that_was_heard_begins_at_a_place_of_its_own() -> None:
    standing, _ = played(SourcePlace(), 100, 110)
    assert standing.place_for(a_poll(50)) == {}
    standing, new = played(standing, 50, 60, 100)
    assert new == [50, 60]
    assert standing.place_for(a_poll(70)) == {"at": 60}
    assert standing.place == {"at": 110}, "the newest place is that of the newest span"
    assert standing.heard_at_ms == 110


def test_a_file_without_a_clock_is_known_by_its_digest() -> None:
    file = Heard(b"x", None)
    standing = SourcePlace().after_file("one", 7, {})
    assert not standing.has_heard(file, "one"), "half done is not done"
    standing = standing.after_file("one", ALL_DONE, {"a": 1}).after_file("two", ALL_DONE, {"a": 2})
    assert standing.has_heard(file, "one")
    assert standing.has_heard(file, "two")
    assert not standing.has_heard(file, "three")


def test_what_is_remembered_is_bounded() -> None:
    standing = SourcePlace()
    for number in range(2 * FILES_MAX):
        standing = standing.after_file(str(number), ALL_DONE, {})
        standing = standing.after_moment(1_000_000 - number, {})
    assert len(standing.files) == FILES_MAX
    assert len(standing.spans) == SPANS_MAX
    assert standing.heard_at_ms == 1_000_000
    assert standing.spans[0].from_ms == 1_000_001 - 2 * FILES_MAX, "the one just begun stays"


def test_a_standing_survives_being_written_down() -> None:
    standing, _ = played(SourcePlace(), 100, 110, 50)
    standing = standing.after_file("one", 3, {"b": [1]})
    assert standing_from(body_of(standing)) == standing


def test_the_last_four_spools_are_remembered_with_their_newest_numbers() -> None:
    standing = SourcePlace()
    for number in range(6):
        standing = standing.after_push(f"s{number}", number, 100, {})
    standing = standing.after_push("s2", 9, 100, {})
    assert standing.spools == {"s3": 3, "s4": 4, "s5": 5, "s2": 9}


def test_a_push_by_a_clock_that_was_set_back_is_the_newest_all_the_same() -> None:
    standing = SourcePlace().after_push("s", 1, 100, {"at": 1}).after_push("s", 2, 50, {"at": 2})
    assert (standing.heard_at_ms, standing.place, standing.spools) == (100, {"at": 2}, {"s": 2})
    assert len(standing.spans) == 1
    assert SourcePlace().after_push("s", 1, 0, {}).heard_at_ms == 0


def test_a_place_is_replaced_where_its_data_belong_and_nothing_more_counts_as_read() -> None:
    standing, _ = played(SourcePlace(), 100, 110, 50)
    mended = standing.with_place(a_poll(60), {"new": 1})
    assert (mended.place_for(a_poll(60)), mended.place) == ({"new": 1}, {"at": 110})
    assert not mended.has_heard(a_poll(60), "")
    assert standing.with_place(a_poll(10), {"new": 1}) == standing
    assert standing.with_place(Heard(b"x", None), {"new": 1}).file_place == {"new": 1}


def test_a_file_that_goes_on_is_the_newest_again() -> None:
    standing = SourcePlace().after_file("one", 1, {}).after_file("two", 1, {}).after_file("one", 2, {})
    assert [*standing.files.items()] == [("two", 1), ("one", 2)]


def test_what_is_written_down_names_its_spools_and_an_old_row_had_none() -> None:
    standing = SourcePlace().after_push("s", 7, 100, {"at": 1})
    assert standing_from(body_of(standing)) == standing
    assert standing_from(b'{"spans":[],"files":[],"place":{}}').spools == {}
