"""Hold an AsyncAPI document against records: each topic, header and field of one is in the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import Contract
from schemas.model import model_of, paths

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A record of *topic*, its value by the schema it was written with. ``None``: a tombstone."""

    topic: str
    headers: Mapping[str, Any]
    value: Any


def undescribed(document: Document, records: Iterable[Shown]) -> list[str]:
    """The topics, headers and fields of *records*, and the tombstones, that the document lacks. Each is named once."""
    fields = {name: fields_of(one["payload"]) for name, one in _messages(document).items()}
    found: set[str] = set()
    for name, record in by_channel(document, records):
        if name is None:
            found.add(f"{record.topic}: no such topic")
            continue
        message = _messages(document)[name]
        unknown = record.headers.keys() - message["headers"]["properties"].keys()
        found |= {f"{name}: no header {one}" for one in unknown}
        found |= {f"{name}: no field {one}" for one in set(_named(record.value)) - fields[name]}
        if record.value is None and not message["x-tombstones"]:
            found.add(f"{name}: no tombstones")
    return sorted(found)


def unshown(document: Document, records: Iterable[Shown], *, always_null: Iterable[str] = ()) -> list[str]:
    """The topics, headers and fields of the document that none of *records* has: a field that is null, or a list without
    an entry, is not shown. *always_null*: fields that may stay so, as ``contract.field``."""
    fields: dict[str, set[str]] = {name: set() for name in document["channels"]}
    headers: dict[str, set[str]] = {name: set() for name in document["channels"]}
    seen = set()
    for name, record in by_channel(document, records):
        if name is not None:
            seen.add(name)
            fields[name].update(filled(record.value))
            headers[name].update(record.headers)
    exempt = tuple(always_null)
    found = [f"{name}: not shown" for name in document["channels"] if name not in seen]
    for name, message in _messages(document).items():
        if name in seen:
            lacking = fields_of(message["payload"]) - fields[name]
            lacking = {
                one for one in lacking if not f"{name}.{one}.".startswith(tuple(f"{e}." for e in exempt))
            }
            found += [f"{name}: field {one} not shown" for one in lacking]
            unused = message["headers"]["properties"].keys() - headers[name]
            found += [f"{name}: header {one} not shown" for one in unused]
    return sorted(found)


def examples_of(document: Document) -> Iterator[Shown]:
    """The examples of the document as records. One without a payload shows its headers."""
    for name, channel in document["channels"].items():
        parameters = {
            word: (about.get("enum") or ["demo"])[0] for word, about in channel.get("parameters", {}).items()
        }
        topic = channel["address"].format(**parameters)
        for one in _messages(document)[name]["examples"]:
            yield Shown(topic, one["headers"], one.get("payload", {}))


def always_null(catalogue: Mapping[str, Contract]) -> list[str]:
    """The positions that a contract says are always null, as ``contract.field``."""
    return [
        f"{name}.position"
        for name, contract in catalogue.items()
        if contract.personal.exempt.get("position", "").startswith("always null")
    ]


def by_channel(document: Document, records: Iterable[Shown]) -> Iterator[tuple[str | None, Shown]]:
    """Each record with the name of the channel whose address its topic has; ``None`` where none has."""
    patterns = {name: re.compile(_pattern(channel)) for name, channel in document["channels"].items()}
    known: dict[str, str | None] = {}
    for record in records:
        if record.topic not in known:
            fitting = (name for name, pattern in patterns.items() if pattern.fullmatch(record.topic))
            known[record.topic] = next(fitting, None)
        yield known[record.topic], record


def fields_of(payload: Mapping[str, Any]) -> set[str]:
    """The dotted paths of the payload's fields."""
    return {path for path, _ in paths(model_of(payload["schema"]))}


def filled(value: Any, path: str = "") -> Iterator[str]:
    """The paths of *value* that hold something."""
    return _paths(value, path, also_null=False)


def _named(value: Any) -> Iterator[str]:
    """The paths of *value*, also those that hold nothing."""
    return _paths(value, "", also_null=True)


def _paths(value: Any, path: str, *, also_null: bool) -> Iterator[str]:
    if isinstance(value, list):
        if also_null and path:
            yield path
        for one in value:
            yield from _paths(one, path, also_null=also_null)
    elif also_null or value is not None:
        if path:
            yield path
        if isinstance(value, dict):
            for name, one in value.items():
                yield from _paths(one, f"{path}.{name}".strip("."), also_null=also_null)


def _messages(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["messages"]
    return found


def _pattern(channel: Mapping[str, Any]) -> str:
    parameters = channel.get("parameters", {})
    return "".join(
        f"(?:{'|'.join(map(re.escape, parameters[word].get('enum', ()))) or '[a-z0-9-]+'})"
        if word
        else re.escape(text)
        for text, word in re.findall(r"([^{]+)|\{(\w+)\}", channel["address"])
    )
