"""AsyncAPI 3.1 of the catalogue: a channel for each contract, with its Avro payload, key, headers, retention and examples.

The channels of the DLQs are one, with the contract as a parameter: all have one schema. What the running platform adds
(settings of topics, headers) comes from outside: this folder knows no Kafka client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import DLQ, Contract
from schemas.event import Event
from schemas.json_form import from_json_value
from schemas.model import fingerprint

ASYNCAPI = "3.1.0"
AVRO = "application/vnd.apache.avro;version=1.9.0"
CONTENT_TYPE = "application/avro"
BINDING = "0.5.0"
LISTS, NUMBERS = {"cleanup.policy"}, {"retention.ms", "delete.retention.ms", "max.message.bytes"}
"""Settings of topics that the Kafka binding holds as lists and as numbers; all others are texts."""
TIMES = "Times are milliseconds since 1970 in UTC on the wire; examples show them as ISO 8601 and bytes as base64."
ABOUT = f"""Events of a city, each a record of Kafka in Confluent's form: a byte 0, the schema's id (4 bytes, big-endian),
Avro binary. Subjects are named `<topic>-value`. {TIMES}
Read with `isolation.level=read_committed`: records are written in transactions.
A record may be read twice after a restart of the reader; `event_id` (header `ce_id`) is the same then.
Fields under `x-personal`: `identifying` ones identify somebody, `located` ones say where somebody or something is."""
BOOTSTRAP = "As `bongsu status --json` says it under kafka.bootstrap."

Document = dict[str, Any]
Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Platform:
    """The running platform's part of the document.

    *version*: of the release. *settings*: of a contract's topics. *headers*: header → its meaning, for every header that a
    contract's records may have. *headers_of*: those that an event has. *other_headers*: those that its record has instead
    on other occasions, by a name of each.
    """

    version: str
    settings: Callable[[Contract], Mapping[str, str]]
    headers: Callable[[Contract], Mapping[str, str]]
    headers_of: Callable[[Event], Headers]
    other_headers: Callable[[Event], Mapping[str, Headers]] = lambda _: {}


def asyncapi(catalogue: Mapping[str, Contract], platform: Platform, *, city: str | None = None) -> Document:
    """The document of *catalogue*, for *city* or with the city as a parameter. The same input gives the same document."""
    contracts = {name: one for name, one in sorted(catalogue.items()) if not name.endswith(f".{DLQ}")}
    asides = [name.removesuffix(f".{DLQ}") for name in sorted(catalogue) if name.endswith(f".{DLQ}")]
    channels = {name: _channel(name, one, platform, city) for name, one in contracts.items()}
    messages = {name: _message(name, one, platform) for name, one in contracts.items()}
    if asides:
        shared = catalogue[f"{asides[0]}.{DLQ}"]
        channels[DLQ] = _channel(f"{{contract}}.{DLQ}", shared, platform, city, of=DLQ)
        among = {
            "description": "The contract whose records are set aside; source: what no source could read."
        }
        channels[DLQ].setdefault("parameters", {})["contract"] = {**among, "enum": asides}
        messages[DLQ] = _message(DLQ, shared, platform)
    return {
        "asyncapi": ASYNCAPI,
        "info": {"title": _titled("Bongsu", city), "version": platform.version, "description": ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": channels,
        "operations": {_operation_id(name): _operation(name) for name in channels},
        "components": {"messages": messages},
    }


def as_text(document: Document) -> str:
    """*document* as JSON, in the order in which it was made."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _titled(title: str, city: str | None) -> str:
    return title if city is None else f"{title}: {city}"


def _server() -> Document:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The city's Kafka.",
        "variables": {"bootstrap": {"description": BOOTSTRAP}},
    }


def _channel(
    address: str, contract: Contract, platform: Platform, city: str | None, *, of: str | None = None
) -> Document:
    """The channel at *address* within the city; *of*: its message's name, where that is not the address."""
    name = of or address
    found: Document = {
        "address": f"{'{city}' if city is None else city}.{address}",
        "description": contract.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "partitions": contract.partitions,
                "topicConfiguration": dict(_settings(platform.settings(contract))),
                "bindingVersion": BINDING,
            }
        },
        "x-owner": contract.owner,
        "x-key": contract.key,
    }
    if city is None:
        found["parameters"] = {"city": {"description": "The city's name.", "examples": ["demo"]}}
    return found


def _settings(settings: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        yield name, value.split(",") if name in LISTS else int(value) if name in NUMBERS else value


def _operation_id(name: str) -> str:
    return f"send.{name}"


def _operation(name: str) -> Document:
    """The platform sends; a subscriber's own operation is the reverse."""
    about = f"#/channels/{name}"
    return {"action": "send", "channel": {"$ref": about}, "messages": [{"$ref": f"{about}/messages/{name}"}]}


def _message(name: str, contract: Contract, platform: Platform) -> Document:
    personal = contract.personal
    headers = {
        header: {"type": "string", "description": words}
        for header, words in platform.headers(contract).items()
    }
    return {
        "name": name,
        "title": contract.newest["name"],
        "summary": contract.description,
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "properties": headers, "additionalProperties": False},
        "payload": {"schemaFormat": AVRO, "schema": contract.newest},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": contract.key},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
                "bindingVersion": BINDING,
            }
        },
        "x-personal": {"identifying": list(personal.identifying), "located": list(personal.located)},
        "x-compatibility": contract.compatibility,
        "x-max-bytes": contract.max_bytes,
        "x-tombstones": contract.cleanup == "compact",
        "x-version": len(contract.versions),
        "x-fingerprints": {f"v{number}": fingerprint(one) for number, one in enumerate(contract.versions, 1)},
        "examples": list(_examples(contract, platform)),
    }


def _examples(contract: Contract, platform: Platform) -> Iterator[Document]:
    """Its example files, the typical one first; then its headers on other occasions, without a payload."""
    files = sorted(
        contract.folder.glob("examples/*.json"), key=lambda path: (path.stem != "typical", path.stem)
    )
    events = []
    for path in files:
        shown = json.loads(path.read_bytes())
        key = str(shown.get(contract.key, path.stem))
        event = Event(contract.name, key, from_json_value(contract.newest, shown))
        yield {"name": path.stem, "headers": _texts(platform.headers_of(event)), "payload": shown}
        events.append(event)
    for event in events[:1]:
        for name, headers in platform.other_headers(event).items():
            yield {"name": name, "headers": _texts(headers)}


def _texts(headers: Headers) -> dict[str, str]:
    return {header: value.decode() for header, value in headers}
