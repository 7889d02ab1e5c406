"""Ids are for ever: what a city stored years ago is found under the id that is derived today.

The ids below were written down apart from the code: BLAKE2b of 16 bytes over the parts, joined by U+001F, in UTF-8.
"""

from __future__ import annotations

import pytest

from schemas.event import case_id, derived_id

GOLDEN = [
    (("a", "bc"), "92c06f120b46062535da90c0f27e970b"),
    (("joint-incident", "F1"), "6fc1d8f60468a55eb8f0d76ed5604e8c"),
    (("tick", "demo", 1_790_000_000_000), "6ce773d9e2bacdc16e6f5a0db24997be"),
]


@pytest.mark.parametrize(("parts", "expected"), GOLDEN)
def test_an_id_is_the_one_it_has_always_been(parts: tuple[object, ...], expected: str) -> None:
    assert derived_id(*parts) == expected


def test_an_incident_keeps_its_id_alone_and_among_several_agencies() -> None:
    assert case_id("houston", "fire-live", "12", agency=None) == "ca410c2db620d11ba9f62529b603ec39"
    assert case_id("seoul", "119", "2026-7", agency="소방") == "840474fa51301633e41f53e73614d1f4"


def test_where_one_part_ends_matters() -> None:
    ways = [("a", "bc"), ("ab", "c"), ("abc",), ("", "abc"), ("abc", ""), ("a", "b", "c")]
    assert len({derived_id(*parts) for parts in ways}) == len(ways)
