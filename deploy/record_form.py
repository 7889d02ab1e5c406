"""The one JSON form of a record, for programs."""

from __future__ import annotations

from typing import Any

from deploy.platform import Platform
from schemas.catalogue import contract_name, contract_of
from schemas.errors import Invalid
from schemas.framing import unframe
from schemas.json_form import to_json_value
from schemas.masking import masked
from streams.runtime.records import Record


def shown_record(record: Record, platform: Platform) -> dict[str, Any]:
    """The one JSON form of a record (``interface.md``): timestamps as ISO 8601, a tombstone as null."""
    shown: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key.decode(errors="replace") if record.key is not None else None,
        "headers": {name: value.decode(errors="replace") for name, value in record.headers.items()},
        "schema": None,
        "value": None,
    }
    if record.value is None:
        return shown
    try:
        schema_id, _ = unframe(record.value)
        version = platform.wire.registry.version_of(f"{record.topic}-value", schema_id)
        shown["schema"] = {"subject": f"{record.topic}-value", "version": version, "id": schema_id}
        schema = contract_of(record.topic).newest
        value = to_json_value(schema, platform.wire.decode(record.topic, record.value))
        shown["value"] = covered(contract_name(record.topic), value)
    except Invalid as error:
        shown["error"] = error.what
    return shown


def covered(contract: str, value: dict[str, Any]) -> dict[str, Any]:
    """*value* without what no command shows: hashes of what people choose or are sent, as a password can be guessed from
    its hash; and persons whom a camera saw, who are looked at for a case alone."""
    if contract in SEEN_FOR_CASES:
        return masked(contract, value, identifying=False, located=False)
    if contract in ASIDE_OF_CASES:
        return value | {"original": COVER}
    if contract != "core.account":
        return value
    return {name: COVER if name in COVERED and one is not None else one for name, one in value.items()}


COVER = "***"
SEEN_FOR_CASES = frozenset(("cctv.person",))
ASIDE_OF_CASES = frozenset(f"{one}.dlq" for one in SEEN_FOR_CASES)
COVERED = frozenset(("password_hash", "link_hash"))
