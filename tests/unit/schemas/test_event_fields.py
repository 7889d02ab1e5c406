"""One place writes the fields that every event begins with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from schemas.event import event_fields
from schemas.form import COMMON

ROOT = Path(__file__).parents[3]
ROOMS = ("schemas", "connectors", "streams", "deploy")
BUILDER = "schemas/event.py"


def by_hand(source: str) -> Iterator[int]:
    """The lines of dict literals that write the received time of an event."""
    if "received_time" not in source:  # most modules: they need not be parsed
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            names = {
                key.value: value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            told = names.get("received_time")
            if told is not None and not isinstance(told, ast.Constant):
                yield node.lineno


def test_the_builder_writes_every_common_field_in_the_contracts_order() -> None:
    told = event_fields("ansan", "cad", event_id="e", event_time_ms=1, received_ms=2)
    assert list(told) == [field.name for field in COMMON]
    assert told == {
        "event_id": "e",
        "city": "ansan",
        "source": "cad",
        "event_time": 1,
        "event_time_accuracy_s": None,
        "received_time": 2,
        "position": None,
    }


def test_no_other_place_writes_them_by_hand() -> None:
    found = {
        str(path.relative_to(ROOT)): [*by_hand(path.read_text("utf-8"))]
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }
    assert len(found) > 200
    assert {path: lines for path, lines in found.items() if lines and path != BUILDER} == {}
    assert len(found[BUILDER]) == 1


def test_a_dict_written_by_hand_is_found() -> None:
    assert [*by_hand("value = {\n 'event_id': its_id, 'received_time': now_ms}")] == [1]
    assert [*by_hand("value = {**other, 'received_time': now_ms}")] == [1]
    assert [*by_hand("WORDS = {'received_time': 'received'}")] == []
