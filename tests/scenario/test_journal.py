"""The recorded journal of the simulated city: the rules still give the same answers, byte for byte."""

from __future__ import annotations

import gzip
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.catalogue import contract_name, load_catalogue
from schemas.older import VersionCodecs
from schemas.rows import RowCodec
from streams.journal.file import JournalFile
from streams.journal.replay import COMPARED
from streams.journal.verify_file import verify_file
from streams.situations.rules.in_force import rule_names

JOURNAL = Path(__file__).with_name("journal.jsonl.gz")
ENTRIES_MIN = 2_000
CHANGED = "core.alert"


@cache
def lines() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in gzip.decompress(JOURNAL.read_bytes()).splitlines()]


def decoded(line: dict[str, Any]) -> dict[str, Any]:
    contract = load_catalogue()[contract_name(line["topic"])]
    return VersionCodecs().decode(contract, line["version"], b64decode(line["payload"]))


def written(to: Path, changed: list[dict[str, Any]]) -> JournalFile:
    to.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in changed))
    return JournalFile(to)


def test_the_rules_answer_as_they_did_when_it_was_recorded() -> None:
    verdict = verify_file(JournalFile(JOURNAL))
    assert verdict.differences == []
    assert verdict.entries == sum("entry" in line for line in lines()) >= ENTRIES_MIN
    assert set(verdict.answers) == set(COMPARED)
    assert verdict.answers.total() == sum("topic" in line for line in lines())


def test_every_rule_has_situations_in_it_and_every_kind_of_entry_is_there() -> None:
    codec = RowCodec(load_catalogue()["core.situation"].newest)
    schema = load_catalogue()["core.situation"].newest
    situations = [line for line in lines() if contract_name(line.get("topic", "")) == "core.situation"]
    assert {line["version"] for line in situations} == {len(load_catalogue()["core.situation"].versions)}
    rules = Counter(codec.decode(b64decode(line["payload"]), writer=schema)["rule"] for line in situations)
    assert set(rules) == set(rule_names())
    kinds = Counter(line["entry"] for line in lines() if "entry" in line)
    assert set(kinds) == {"rules", "incident", "evidence", "place", "tick", "action", "notice"}
    assert kinds["rules"] >= 2, "its numbers change on the way"


@pytest.mark.parametrize("contract", ["core.alert", "core.watch"])
def test_one_byte_of_one_answer_that_was_changed_in_place_is_named(tmp_path: Path, contract: str) -> None:
    """The last byte of the text that a record begins with."""
    changed = [dict(line) for line in lines()]
    its = [line for line in changed if contract_name(line.get("topic", "")) == contract and line["payload"]]
    one = its[len(its) // 2]
    payload = bytearray(b64decode(one["payload"]))
    field, place = "event_id", payload.index(decoded(one)["event_id"].encode())
    payload[place] ^= 1
    one["payload"] = b64encode(payload).decode()
    verdict = verify_file(written(tmp_path / "changed.jsonl", changed))
    assert verdict.different == 1
    (named,) = verdict.differences
    assert named.startswith(f"{contract} #")
    assert named.endswith(f": other bytes than then: {field}")
