"""The access log's chains: every change of a log of 10,000 records is found, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectors.gateway.chain import (
    Audit,
    Fault,
    Head,
    anchor_from_json,
    anchor_to_json,
    appended,
    hash_of,
    head_after,
    verified,
)
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec

NOON_MS = 1_780_000_000_000
DAY_MS = 24 * 3_600_000
WRITERS = ("town.gateway.access", "town.gateway-2.access")
Log = list[tuple[str, dict[str, Any]]]


def a_log(count: int) -> Log:
    """*count* records of two writers in turn, with their places."""
    heads = dict.fromkeys(WRITERS, Head())
    log: Log = []
    for number in range(count):
        writer = WRITERS[number % 2]
        act = {"act": "redeemed", "account_id": f"a-{number}", "purpose": "화재", "count": None}
        row = dict(appended("town", writer, heads[writer], act, now_ms=NOON_MS + number).value or {})
        heads[writer] = head_after(row)
        log.append((f"t[0]@{number}", row))
    return log


LOG = a_log(10_000)


def faults(
    log: Sequence[tuple[str, Mapping[str, Any]]], anchor: Mapping[str, Head] | None = None
) -> list[Fault]:
    return verified(log, Audit(anchor or {}, kept_since=NOON_MS - DAY_MS))


def heads_of(log: Log) -> dict[str, Head]:
    looked = Audit()
    verified(log, looked)
    return looked.heads


def test_a_log_that_nobody_touched_holds_also_against_its_anchor() -> None:
    anchor = anchor_from_json(anchor_to_json("town", heads_of(LOG), now="noon"), "town")
    assert {name: one.sequence for name, one in anchor.items()} == dict.fromkeys(WRITERS, 5_000)
    assert faults(LOG, anchor) == []


def test_a_record_that_went_through_avro_has_the_hash_that_it_was_written_with() -> None:
    codec = RowCodec(load_catalogue()["core.access"].newest)
    row = LOG[7][1]
    assert hash_of(codec.decode(codec.encode(row))) == row["hash"]


@pytest.mark.parametrize(
    "field", ["account_id", "at", "act", "purpose", "writer", "event_id", "previous_hash"]
)
def test_one_byte_changed_is_found_in_any_field(field: str) -> None:
    place, row = LOG[4_321]
    was = row[field]
    row_now = {**row, field: was + 1 if isinstance(was, int) else chr(ord(was[0]) ^ 1) + was[1:]}
    found = faults([*LOG[:4_321], (place, row_now), *LOG[4_322:]])
    assert any(one.place == place and "altered" in one.what for one in found)


def test_a_record_changed_with_its_hash_is_found_at_the_next_of_its_writer() -> None:
    place, row = LOG[4_321]
    forged = {**row, "account_id": "somebody else"}
    forged["hash"] = hash_of(forged)
    (only,) = faults([*LOG[:4_321], (place, forged), *LOG[4_322:]])
    assert (only.place, only.sequence) == ("t[0]@4323", row["sequence"] + 1)
    assert "does not follow" in only.what


@pytest.mark.parametrize("number", [0, 1, 4_321, 9_997])
def test_one_record_dropped_is_found(number: int) -> None:
    (only,) = faults([*LOG[:number], *LOG[number + 1 :]])
    assert (only.writer, only.sequence) == (WRITERS[number % 2], LOG[number][1]["sequence"])
    assert "is missing" in only.what
    assert f"t[0]@{number + 2}" in only.place


@pytest.mark.parametrize("apart", [2, 20])
def test_two_swapped_are_found(apart: int) -> None:
    log = list(LOG)
    log[4_321], log[4_321 + apart] = LOG[4_321 + apart], LOG[4_321]
    found = faults(log)
    assert {"out of order"} == {one.what.rpartition(": ")[2] for one in found}
    # the one that came too early is named by the record after it, the one that came late stands there itself
    early, late = LOG[4_321 + apart][1]["sequence"], LOG[4_321][1]["sequence"]
    assert any(f"stands after {early}:" in one.what for one in found)
    assert any(one.sequence == late for one in found)


def test_a_record_that_stands_twice_is_found() -> None:
    (only,) = faults([*LOG[:50], ("t[0]@again", LOG[48][1]), *LOG[50:]])
    assert (only.place, only.what) == ("t[0]@again", "stands twice")


def test_the_newest_cut_off_is_found_against_an_anchor_and_only_so() -> None:
    cut = LOG[:-3]
    assert faults(cut) == []
    found = faults(cut, heads_of(LOG))
    assert {(one.place, one.writer, one.sequence) for one in found} == {
        ("end", WRITERS[0], 5_000),
        ("end", WRITERS[1], 4_999),
    }


def test_a_chain_written_anew_holds_by_itself_and_not_against_the_anchor() -> None:
    anew = a_log(9_000)
    head = heads_of(anew)[WRITERS[0]]
    anchor = {WRITERS[0]: replace(head, hash="0" * 63 + "1")}
    assert faults(anew) == []
    (only,) = faults(anew, anchor)
    assert (only.place, only.sequence) == ("anchor", 4_500)


def test_a_writer_of_the_anchor_that_is_gone_is_found() -> None:
    found = faults([one for one in LOG if one[1]["writer"] == WRITERS[0]], heads_of(LOG))
    assert [(one.place, one.writer, one.sequence) for one in found] == [("end", WRITERS[1], 1)]


def test_records_past_retention_may_be_gone_and_younger_ones_may_not() -> None:
    rest = LOG[100:]
    assert {one.sequence for one in faults(rest)} == {1}
    assert verified(rest, Audit(kept_since=NOON_MS + 100)) == []


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b'{"city": "ulsan", "writers": {}}', b'{"city": "town", "writers": {"w": 1}}']
)
def test_what_is_no_anchor_of_the_city_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"writers|city|sequence"):
        anchor_from_json(text, "town")
