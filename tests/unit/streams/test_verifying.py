"""Today's answers against the recorded ones: one byte changed anywhere is found, a city that goes on is no difference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.verifying import NAMED_MAX, Answer, Bytes, Recorded, Verdict, held_against

CONTRACTS = ("core.situation", "core.alert")
COUNT = 3


def answer(contract: str, number: int, *, is_later: bool = False) -> Answer:
    return Answer(contract, number, (b"key %d" % number, b"value %d" % number), is_later)


TODAY = [answer(contract, number) for number in range(COUNT) for contract in CONTRACTS]


def recorded(contract: str) -> list[Bytes]:
    return [one.bytes for one in TODAY if one.contract == contract]


def verdict(changed: str = "", answers: Sequence[Bytes] = (), today: Sequence[Answer] = TODAY) -> Verdict:
    """Of a log in which the answers of the contract *changed* are these."""
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

    assert held_against(for_ever(), {one: Recorded(recorded(one)) for one in CONTRACTS}).different == 0  # type: ignore[arg-type]
    assert len(taken) == 1


def test_only_the_first_few_are_named_and_all_are_counted() -> None:
    found = held_against([], {"core.alert": Recorded([(b"", b"")] * 50)})
    assert (found.different, len(found.differences)) == (50, NAMED_MAX)
