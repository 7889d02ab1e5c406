"""The catalogue: every topic's contract, read from its folder under ``schemas/topics``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.errors import Fatal, Invalid
from schemas.personal import Personal, read_personal

TOPICS = Path(__file__).parent / "topics"
DLQ = "dlq"
"""The folder of the one schema that every ``<topic>.dlq`` has, and ``source.dlq``."""
MAX_BYTES = 65_536
HINT = "schemas/README.md says what a contract holds"
UNITS_MS = {"h": 3_600_000, "d": 86_400_000}
WITHOUT_DLQ = ("core.journal",)
"""Contracts without a DLQ: only commands read them, and no stage can set a record of theirs aside."""
MEMORY = ("core.state", "core.source", "source.place")
"""Topics that hold a stage's own state. Retrying an older row would set the state back."""
FAST = ("cctv.", "mobility.position", "drone.position", "core.evidence")
"""Prefixes of the contracts that may have more than one partition a city."""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contract:
    """A topic's contract: its schema in every version, its key and its retention.

    *key* is the field that is the record's key; a text with a space in it describes a key that is no field.
    *bytes_fields* are the only fields that may hold bytes. *released*: the fingerprint of each version that may not
    change any more.
    """

    name: str
    description: str
    owner: str
    key: str
    partitions: int
    retention_ms: int | None
    cleanup: str
    compatibility: str
    personal: Personal
    max_bytes: int
    bytes_fields: tuple[str, ...]
    versions: tuple[Schema, ...]
    folder: Path
    released: Mapping[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> Schema:
        return self.versions[-1]


@cache
def load_catalogue(root: Path = TOPICS) -> Mapping[str, Contract]:
    """Every contract by name, the DLQ of each source topic among them."""
    found = {path.parent.name: read_contract(path.parent) for path in sorted(root.glob("*/topic.toml"))}
    shared = found.pop(DLQ, None)
    if shared is not None:
        aside = [name for name in found if not name.startswith(WITHOUT_DLQ)]
        for name in [*aside, "source"]:
            found[f"{name}.dlq"] = _dlq(shared, name, found.get(name))
    return MappingProxyType(found)


def read_contract(folder: Path) -> Contract:
    """One folder: ``topic.toml``, ``v1.avsc``, ``v2.avsc`` …"""
    try:
        said = tomllib.loads((folder / "topic.toml").read_text(encoding="utf-8"))
        paths = sorted(folder.glob("v*.avsc"), key=lambda path: int(path.stem[1:]))
        versions = tuple(json.loads(path.read_text(encoding="utf-8")) for path in paths)
        return Contract(
            name=folder.name,
            description=said["description"],
            owner=said["owner"],
            key=said["key"],
            partitions=said["partitions"],
            retention_ms=milliseconds(said["retention"]) if "retention" in said else None,
            cleanup=said["cleanup"],
            compatibility=said["compatibility"],
            personal=read_personal(said["personal"]),
            max_bytes=said.get("max_bytes", MAX_BYTES),
            bytes_fields=tuple(said.get("bytes_fields", ())),
            versions=versions,
            folder=folder,
            released=said.get("released", {}),
        )
    except KeyError as error:
        raise Fatal(f"contract {folder.name}: topic.toml lacks {error}", hint=HINT) from error
    except (TypeError, ValueError) as error:
        raise Fatal(f"contract {folder.name}: {error}", hint=HINT) from error


def milliseconds(text: str) -> int:
    """``30d`` or ``1h`` in milliseconds."""
    match = re.fullmatch(r"(\d+)([hd])", text)
    if match is None:
        raise ValueError(f"retention {text!r}: write hours or days, such as 1h or 30d")
    return int(match[1]) * UNITS_MS[match[2]]


def topic_name(city: str, contract: str) -> str:
    """The Kafka topic of *contract* in *city*."""
    return f"{city}.{contract}"


def contract_name(topic: str) -> str:
    """The contract's name in a Kafka topic's: ``houston.fire.incident`` → ``fire.incident``."""
    return topic.partition(".")[2]


def contract_of(topic: str) -> Contract:
    """The contract of a Kafka topic. ``Invalid`` when it is none of ours."""
    try:
        return load_catalogue()[contract_name(topic)]
    except KeyError:
        raise Invalid(
            f"topic {topic} is not in the catalogue", field="topic", expected="a topic of ours"
        ) from None


def _dlq(shared: Contract, name: str, of: Contract | None) -> Contract:
    """The DLQ of *name*. It holds the records' own bytes: what is kept for hours is not kept for longer there."""
    kept = [one.retention_ms for one in (shared, of) if one is not None and one.retention_ms is not None]
    is_brief = of is not None and of.personal.identifying and of.retention_ms == min(kept, default=None)
    return replace(shared, name=f"{name}.{DLQ}", retention_ms=min(kept) if is_brief else shared.retention_ms)
