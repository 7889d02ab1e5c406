"""Today's answers against the recorded ones: any changed byte is found; new records of a running city are no difference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.journal.verdict import (
    NAMED_MAX,
    Bytes,
    Recorded,
    RecordedTable,
    ReplayedAnswer,
    Verdict,
    held_against,
)

CONTRACTS = ("core.situation", "core.alert")
COUNT = 3


def answer(contract: str, number: int, *, is_later: bool = False) -> ReplayedAnswer:
    return ReplayedAnswer(contract, number, (b"key %d" % number, b"value %d" % number), is_later)


TODAY = [answer(contract, number) for number in range(COUNT) for contract in CONTRACTS]


def recorded(contract: str) -> list[Bytes]:
    return [one.bytes for one in TODAY if one.contract == contract]


def verdict(
    changed: str = "", answers: Sequence[Bytes] = (), today: Sequence[ReplayedAnswer] = TODAY
) -> Verdict:
    """The verdict on a log in which the answers of the contract *changed* are *answers*."""
    then = {one: Recorded(answers if one == changed else recorded(one)) for one in CONTRACTS}
    return held_against(today, then)


def test_the_same_answers_differ_in_nothing() -> None:
    found = verdict()
    assert (found.different, found.differences) == (0, [])
    assert found.answers == {"core.situation": COUNT, "core.alert": COUNT}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.parametrize("part", [0, 1])
def test_one_recorded_answer_that_was_changed_in_place_is_found(
    contract: str, number: int, part: int
) -> None:
    answers = recorded(contract)
    whole = list(answers[number])
    whole[part] = b"." + (whole[part] or b"")[1:]
    answers[number] = (whole[0], whole[1])
    found = verdict(contract, answers)
    assert found.different == 1
    assert f"{contract} #{number + 1} (journal {number}): other bytes than then" in found.differences


@pytest.mark.parametrize("number", range(COUNT))
def test_a_value_that_became_a_tombstone_is_found(number: int) -> None:
    answers = recorded("core.alert")
    answers[number] = (answers[number][0], None)
    assert verdict("core.alert", answers).different == 1


def test_an_answer_that_is_missing_and_one_too_many_are_found() -> None:
    assert verdict("core.alert", recorded("core.alert")[:-1]).differences == [
        "core.alert #3 (journal 2): not answered then"
    ]
    assert verdict("core.alert", [*recorded("core.alert"), (b"", b"")]).differences == [
        "core.alert: answered then, not now"
    ]


def test_two_answers_that_changed_places_are_two_differences() -> None:
    first, second, *others = recorded("core.alert")
    assert verdict("core.alert", [second, first, *others]).different == 2


def test_what_a_running_city_answers_while_it_is_compared_is_no_difference() -> None:
    later = [answer(contract, COUNT + number, is_later=True) for number in range(5) for contract in CONTRACTS]
    seen = [one.bytes for one in later if one.contract == "core.alert"][:2]
    found = verdict("core.alert", [*recorded("core.alert"), *seen], [*TODAY, *later])
    assert found.different == 0
    assert found.answers["core.alert"] == COUNT + len(seen)


def test_an_answer_changed_behind_the_beginning_of_the_comparison_is_found_too() -> None:
    later = [answer("core.alert", COUNT, is_later=True)]
    found = verdict("core.alert", [*recorded("core.alert"), (b"key 3", b"other")], [*TODAY, *later])
    assert found.different == 1


def test_it_ends_where_nothing_that_was_recorded_is_left() -> None:
    taken = []

    def for_ever() -> object:
        yield from TODAY
        number = COUNT
        while True:
            taken.append(number)
            yield answer("core.alert", number, is_later=True)
            number += 1

    assert held_against(for_ever(), {one: Recorded(recorded(one)) for one in CONTRACTS}).different == 0  # type: ignore[arg-type]  # endless
    assert len(taken) == 1


def test_only_the_first_few_are_named_and_all_are_counted() -> None:
    found = held_against([], {"core.alert": Recorded([(b"", b"")] * 50)})
    assert (found.different, len(found.differences)) == (50, NAMED_MAX)


# -- a compacted contract --------------------------------------------------------------------------------------

WATCH = "core.watch"
ROWS: list[Bytes] = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"c", None), (b"a", b"3")]


def of_table(answers: Sequence[Bytes], rows: Sequence[Bytes] = ROWS, *, later_from: int = 100) -> Verdict:
    """*rows* as today's answers, held against a log that has *answers*."""
    today = [ReplayedAnswer(WATCH, number, row, number >= later_from) for number, row in enumerate(rows)]
    return held_against(today, {WATCH: RecordedTable(answers, key_of=lambda one: one[0])})


@pytest.mark.parametrize(
    "gone",
    [[], [0], [2], [0, 2], [3], [3, 4], [0, 2, 3, 4]],
)
def test_rows_that_compaction_took_away_are_no_difference(gone: list[int]) -> None:
    found = of_table([row for number, row in enumerate(ROWS) if number not in gone])
    assert (found.different, found.answers[WATCH]) == (0, len(ROWS))


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_a_row_that_was_changed_in_place_is_found_and_no_other_with_it(number: int) -> None:
    key, value = ROWS[number]
    found = of_table([*ROWS[:number], (key, (value or b"") + b"x"), *ROWS[number + 1 :]])
    assert found.differences == [f"{WATCH} #{number + 1} (journal {number}): other bytes than then"]


@pytest.mark.parametrize("number", [1, 5])
def test_the_newest_row_of_a_key_may_not_be_missing(number: int) -> None:
    found = of_table([row for place, row in enumerate(ROWS) if place != number])
    assert found.differences == [f"{WATCH} #{number + 1} (journal {number}): not answered then"]


def test_a_row_of_a_key_that_the_rules_never_answered_is_found() -> None:
    assert of_table([*ROWS, (b"z", b"1")]).differences == [f"{WATCH}: answered then, not now"]


def test_two_rows_of_one_key_that_changed_places_are_found() -> None:
    assert of_table([ROWS[2], ROWS[1], ROWS[0], *ROWS[3:]]).different


def test_a_row_that_a_running_city_has_replaced_meanwhile_is_no_difference() -> None:
    assert of_table([row for row in ROWS[:5] if row[0] != b"a"], later_from=5).different == 0
    assert of_table(ROWS[:5], later_from=5).different == 0
    assert of_table([row for row in ROWS[:5] if row[0] != b"a"], ROWS[:5]).different == 1
