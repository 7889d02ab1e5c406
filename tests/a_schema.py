"""Builders: schemas and contracts that spell out only what matters to a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.catalogue import TOPICS, Contract, load_catalogue, read_contract

TOPIC_TOML = """
description = "{description}"
owner = "fire"
key = "{key}"
partitions = {partitions}
{retention}
cleanup = "{cleanup}"
compatibility = "{compatibility}"
bytes_fields = {bytes_fields}
max_bytes = {max_bytes}

[personal]
identifying = {identifying}
located = {located}
exempt = {exempt}

[released]
{released}
"""
SETTINGS: dict[str, Any] = {
    "description": "Calls for help.",
    "key": "case_id",
    "partitions": 1,
    "retention": 'retention = "30d"',
    "cleanup": "delete",
    "compatibility": "BACKWARD",
    "identifying": [],
    "located": ["position"],
    "exempt": "{}",
    "bytes_fields": [],
    "max_bytes": 65_536,
}
COMMON = load_catalogue()["fire.incident"].newest["fields"][:7]
CASE = {"name": "case_id", "type": "string", "doc": "The agency's number of it."}


def a_field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": "Said for the test.", **more}


def a_record(*fields: dict[str, Any], name: str = "Call", **more: Any) -> dict[str, Any]:
    """A bare record, enough for a codec."""
    return {"type": "record", "name": name, "namespace": "bongsu.test", "fields": list(fields), **more}


def an_event(*fields: dict[str, Any]) -> dict[str, Any]:
    """A record that begins with the common fields."""
    return a_record(*COMMON, CASE, *fields)


def an_example(**more: Any) -> dict[str, Any]:
    """A value of `an_event`, in JSON."""
    heard = "2026-03-08T09:00:00.000+00:00"
    return {
        "event_id": "e1",
        "city": "daejeon",
        "source": "cad",
        "event_time": heard,
        "event_time_accuracy_s": None,
        "received_time": heard,
        "position": None,
        "case_id": "2026-17",
        **more,
    }


def write_contract(
    root: Path,
    *versions: dict[str, Any],
    name: str = "fire.call",
    example: Any = None,
    released: dict[str, str] | None = None,
    **settings: Any,
) -> Contract:
    """A contract's folder under *root*, read back."""
    folder = root / name
    (folder / "examples").mkdir(parents=True)
    lines = "\n".join(f'{version} = "{mark}"' for version, mark in (released or {}).items())
    said = SETTINGS | settings | {"released": lines}
    (folder / "topic.toml").write_text(TOPIC_TOML.format(**said), encoding="utf-8")
    for number, schema in enumerate(versions, 1):
        (folder / f"v{number}.avsc").write_text(json.dumps(schema), encoding="utf-8")
    if example is not False:
        text = example if isinstance(example, str) else json.dumps(example or an_example())
        (folder / "examples" / "typical.json").write_text(text, encoding="utf-8")
    return read_contract(folder)


def shipped_contracts() -> list[Contract]:
    """Every contract that has a folder, the DLQs' shared one among them."""
    return [read_contract(path.parent) for path in sorted(TOPICS.glob("*/topic.toml"))]
