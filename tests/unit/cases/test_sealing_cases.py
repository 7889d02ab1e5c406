"""Events under a case's key: the same bytes again, bound to their place, and gone with the key."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from schemas.errors import Fatal, Invalid
from schemas.event import Event
from streams.cases.sealed_fields import sealed_fields
from streams.cases.sealing import KEY_BYTES, is_of_case, is_sealed, opened, sealed
from tests.unit.cases.a_case import a_missing, an_answer, an_event

KEY, OTHER_KEY = bytes(range(KEY_BYTES)), bytes(KEY_BYTES)


def text_of(event: Event) -> str:
    return orjson.dumps(event.value).decode()


def test_nothing_of_a_sealed_case_is_readable_and_the_key_gives_all_back() -> None:
    for event in (a_missing(), an_answer()):
        hidden = sealed(event, KEY)
        assert "canary" in text_of(event)
        assert "canary" not in text_of(hidden)
        assert (is_sealed(event), is_sealed(hidden)) == (False, True)
        assert opened(hidden, KEY) == event
        assert opened(hidden, None) is None


def test_the_same_event_and_key_give_the_same_bytes_and_another_of_either_gives_others() -> None:
    first, other_event = an_answer(), an_answer(event_id="e-2")
    assert sealed(first, KEY) == sealed(an_answer(), KEY)
    told = {
        str((sealed(one, key).value or {})["reason"])
        for one in (first, other_event)
        for key in (KEY, OTHER_KEY)
    }
    assert len(told) == 4


def test_a_number_that_is_nought_is_sealed_and_what_is_empty_needs_no_seal() -> None:
    candidate = an_event("core.candidate", score=0.0, travel_log_ratio=0.0, crop=None, sealed=None)
    hidden = sealed(candidate, KEY)
    assert hidden.value is not None
    assert (hidden.value["score"], hidden.value["travel_log_ratio"]) == (None, None)
    assert opened(hidden, KEY) == candidate
    empty = an_event("core.route", hops=[], gaps=[], next_cameras=[], sealed=None)
    assert sealed(empty, KEY) == empty == opened(empty, None)


def test_a_sealed_field_opens_in_its_own_place_only() -> None:
    hidden = sealed(an_answer(), KEY)
    value = dict(hidden.value or {})
    moved = (
        {"event_id": "e-2"},
        {"city": "seoul"},
        {"reason": value["candidate_id"], "candidate_id": value["reason"]},
        {"reason": value["reason"][:-2] + "AA"},
        {"reason": "sealed:no base64!"},
    )
    for change in moved:
        with pytest.raises(Fatal, match="does not open") as refused:
            opened(replace(hidden, value=value | change), KEY)
        assert "canary" not in str(refused.value)
    with pytest.raises(Fatal, match="does not open"):
        opened(hidden, OTHER_KEY)


def test_a_note_that_looks_sealed_is_sealed_all_the_same() -> None:
    event = an_answer(reason="sealed:" + "canarycanarycanarycanary")
    assert "canary" not in text_of(sealed(event, KEY))
    assert opened(sealed(event, KEY), KEY) == event


def test_an_event_with_a_sealed_field_from_outside_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        sealed(a_missing(sealed="sealed:AAECAwQF"), KEY)
    assert refused.value.field == "sealed"


def test_what_belongs_to_no_case_stays_as_it_is() -> None:
    for event in (an_answer(case_id=None), an_event("core.grant"), Event("police.missing", "case-1", None)):
        assert not is_of_case(event)
        assert sealed(event, KEY) is event
        assert opened(event, None) is event


def test_every_contract_of_a_case_stands_in_the_table() -> None:
    assert sealed_fields().keys() == {"police.missing", "core.candidate", "core.route", "core.action"}
