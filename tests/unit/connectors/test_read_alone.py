"""A record that was set aside is read alone, once its fault is mended."""

from __future__ import annotations

import pytest

from connectors.base import Heard
from tests.contract.an_example import example_of, read_all

SPOILT = {
    "houston_active_incidents": (b'"IncidentType"', b'"IncidentTyp"'),
    "columbia_cad": (b"6/1/2026", b"6-1-2026"),
    "mapped_rows": (b"20260601210000", b"2O260601210000"),
    "daejeon_devices": (b"30200CTV", b"3O2OOCTV"),
    "austin_fire_calls": (b"2016", b"2O16"),
}
"""Source → (the right word, a misspelling to put into the first record that has it)."""


@pytest.mark.parametrize("name", SPOILT)
def test_the_mended_record_alone_says_what_it_said_in_its_list(name: str) -> None:
    right, wrong = SPOILT[name]
    example = example_of(name)
    heard = next(one for one in example.heard() if right in one.body)
    at = heard.body.index(right)
    at = heard.body.index(right, at + 1) if name == "austin_fire_calls" and at < 200 else at
    body = heard.body[:at] + wrong + heard.body[at + len(right) :]
    source = example.source()
    whole = source.read(heard, {})
    reading = source.read(Heard(body, heard.at_ms), {})
    (aside,) = reading.aside
    assert wrong in aside.original
    alone = Heard(aside.before + aside.original.replace(wrong, right) + aside.after, heard.at_ms)
    again = source.read(alone, reading.place)
    said = {e.value["event_id"] for e in whole.events}
    missing = said - {e.value["event_id"] for e in reading.events}
    assert {e.value["event_id"] for e in again.events} == missing
    assert len(missing) == 1
    assert not again.aside


def test_nothing_leaves_houstons_list_by_a_retry() -> None:
    example = example_of("houston_active_incidents")
    events, _, place = read_all(example.source(), example.heard()[:1])
    first = example.source()
    before, after = b'{"exceededTransferLimit": true, "features": [', b"]}"
    for _ in range(20):
        reading = first.read(Heard(before + b"{}" + after, example.heard()[0].at_ms), place)
        assert not reading.events
        place = reading.place
    assert events
