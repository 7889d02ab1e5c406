"""The checks of the contract suite can fail: a source that breaks one is found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from connectors.base import Heard, Reading
from connectors.contract_suite import reading as suite
from tests.contract.an_example import Example, example_of

COUNT = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Spoilt(Example):
    """An example with a source whose readings are made wrong."""

    spoil: Callable[[Heard, Any, Reading], Reading]

    def source(self, **changed: Any) -> Any:
        good, spoil = super().source(**changed), self.spoil

        class Source:
            def read(self, heard: Heard, place: Mapping[str, Any]) -> Reading:
                return spoil(heard, place, good.read(heard, place))

        return Source()


def spoilt(spoil: Callable[[Heard, Any, Reading], Reading]) -> Spoilt:
    good = example_of("houston_active_incidents")
    return Spoilt(good.type, good.context, good.config, good.recording, spoil=spoil)


def with_value(reading: Reading, **changed: Any) -> Reading:
    return replace(reading, events=[replace(e, value={**(e.value or {}), **changed}) for e in reading.events])


def new_ids_each_time(heard: Heard, place: Any, reading: Reading) -> Reading:
    return with_value(reading, event_id=str(next(COUNT)))


def nowhere_is_nought_nought(heard: Heard, place: Any, reading: Reading) -> Reading:
    return with_value(reading, position={"lat": 0.0, "lon": 0.0, "accuracy_m": None})


def a_field_too_many_words(heard: Heard, place: Any, reading: Reading) -> Reading:
    return with_value(reading, status="on scene")


def writes_into_the_place_it_was_given(heard: Heard, place: Any, reading: Reading) -> Reading:
    place["scribble"] = next(COUNT)
    return reading


def swallows_what_it_cannot_read(heard: Heard, place: Any, reading: Reading) -> Reading:
    return replace(reading, aside=())


def forgets_all_at_a_broken_body(heard: Heard, place: Any, reading: Reading) -> Reading:
    return replace(reading, place={}) if reading.aside else reading


@pytest.mark.parametrize(
    ("promise", "breach"),
    [
        (suite.same_ids_again, new_ids_each_time),
        (suite.reading_is_pure, new_ids_each_time),
        (suite.reading_is_pure, writes_into_the_place_it_was_given),
        (suite.no_place_of_unknown, nowhere_is_nought_nought),
        (suite.halves_are_the_whole, new_ids_each_time),
        (suite.place_survives_writing, new_ids_each_time),
    ],
)
def test_a_breach_is_caught(promise: Callable[[Example], None], breach: Any) -> None:
    with pytest.raises(AssertionError):
        promise(spoilt(breach))


def test_a_word_that_the_contract_does_not_know_is_caught() -> None:
    with pytest.raises(Exception, match="status"):
        suite.keeps_its_contracts(spoilt(a_field_too_many_words))


@pytest.mark.parametrize("breach", [swallows_what_it_cannot_read, forgets_all_at_a_broken_body])
def test_a_source_that_loses_a_broken_body_is_caught(breach: Any) -> None:
    with pytest.raises(AssertionError):
        suite.keeps_a_broken_body(spoilt(breach), b"<html>")


def test_a_source_without_an_example_is_caught() -> None:
    with pytest.raises(AssertionError, match="brings no example"):
        example_of("brand_new")
