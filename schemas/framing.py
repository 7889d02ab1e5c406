"""The wire format of Confluent's registry: magic 0, the schema's id in four bytes, Avro."""

from __future__ import annotations

import struct

from schemas.errors import Invalid

MAGIC = 0
HEADER = struct.Struct(">BI")
HEADER_BYTES = HEADER.size


def frame(schema_id: int, payload: bytes) -> bytes:
    return HEADER.pack(MAGIC, schema_id) + payload


def unframe(value: bytes) -> tuple[int, bytes]:
    """(schema id, Avro payload). ``Invalid`` for bytes that are no frame."""
    if len(value) < HEADER_BYTES:
        raise Invalid(
            "shorter than a frame's header", field="value", expected="magic 0 and a four-byte schema id"
        )
    magic, schema_id = HEADER.unpack_from(value)
    if magic != MAGIC:
        raise Invalid(f"magic byte {magic}", field="value", expected="magic 0 and a four-byte schema id")
    return schema_id, value[HEADER_BYTES:]
