"""Avro as agencies send it: a file of many records, or single objects. Pure, and wary of bodies that lie.

A single object is ``C3 01``, the CRC-64 of the schema's canonical form, the record (Avro 1.12, "single-object encoding").
A file (``Obj 01``) brings the schema it was written with, which must be a version of the contract: with a stranger's
schema nothing is decoded. Its blocks must not be compressed: a few bytes of those can be gigabytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.schema import fingerprint as crc_64
from fastavro.schema import to_parsing_canonical_form

from schemas.catalogue import Contract, Schema
from schemas.errors import BongsuError, Invalid
from schemas.rows import RowCodec, plain

SINGLE, FILE = b"\xc3\x01", b"Obj\x01"
NAME_BYTES = 10


@dataclass(frozen=True, slots=True)
class Payload:
    """One record's bytes, as a single object. *error*: why it is none."""

    original: bytes
    value: dict[str, Any] | None
    error: Invalid | None = None


def is_avro(body: bytes) -> bool:
    return body.startswith((SINGLE, FILE))


class AvroBodies:
    """Reads bodies of one contract, in any of its versions, into the shape of the newest."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._codec = RowCodec(contract.newest, max_bytes=contract.max_bytes)
        self._by_name = {name_of(version): version for version in contract.versions}

    def records(self, body: bytes) -> Iterator[Payload]:
        """Each record by itself. ``Invalid`` where the body as a whole, or all that follows, cannot be read."""
        if body.startswith(SINGLE):
            yield self._read(body)
            return
        name, blocks = self._opened(body)
        version = self._by_name[name]
        parsed = fastavro.parse_schema(plain(version))
        for block in blocks:
            yield from self._of_block(name, parsed, block)

    def _read(self, original: bytes) -> Payload:
        version = self._by_name.get(original[:NAME_BYTES])
        try:
            if version is None:
                raise Invalid(
                    "the record's schema is no version of the contract",
                    field="schema",
                    expected=f"a version of {self._contract.name}",
                )
            writer = None if version is self._contract.newest else version
            return Payload(original, self._codec.decode(original[NAME_BYTES:], writer=writer))
        except Invalid as error:
            return Payload(original, None, error)

    def _opened(self, body: bytes) -> tuple[bytes, Iterator[tuple[int, bytes]]]:
        """The single-object name of the file's schema, and its blocks: (number of records as stated, bytes)."""
        try:
            file = fastavro.block_reader(io.BytesIO(body))
            name = name_of(file.writer_schema)
        except (BongsuError, Exception) as error:  # whatever the library raises for bytes that are no file
            raise Invalid(
                f"the body is no Avro file: {type(error).__name__}",
                field="",
                expected="an Avro object container file",
            ) from None
        if file.codec != "null":
            raise Invalid(f"its blocks are compressed: {file.codec}", field="avro.codec", expected="null")
        if name not in self._by_name:
            raise Invalid(
                "the file's schema is no version of the contract",
                field="schema",
                expected=f"a version of {self._contract.name}, as the registry has it",
            )
        return name, _blocks(file)

    def _of_block(self, name: bytes, parsed: Any, block: tuple[int, bytes]) -> Iterator[Payload]:
        count, data = block
        stream = io.BytesIO(data)
        for number in range(count):
            start = stream.tell()
            try:
                fastavro.schemaless_reader(stream, parsed)
            except Exception as error:  # where one breaks, the beginning of the next is not known
                raise Invalid(
                    f"record {number} of a block breaks: {type(error).__name__}",
                    field="",
                    expected="a whole record",
                ) from None
            if stream.tell() == start:
                raise Invalid(
                    "a block says it has records that it has not", field="", expected="its own records"
                )
            yield self._read(name + data[start : stream.tell()])
        if stream.tell() != len(data):
            raise Invalid("a block has bytes left over", field="", expected="records and nothing behind them")


def _blocks(file: Any) -> Iterator[tuple[int, bytes]]:
    while True:
        try:
            block = next(file)
        except StopIteration:
            return
        except Exception as error:  # as above
            raise Invalid(
                f"a block cannot be read: {type(error).__name__}",
                field="",
                expected="an Avro object container file",
            ) from None
        yield block.num_records, block.bytes_.getvalue()


def name_of(schema: Schema) -> bytes:
    """The bytes with which a single object of *schema* begins."""
    form = to_parsing_canonical_form(json.loads(json.dumps(schema)))
    return SINGLE + bytes.fromhex(crc_64(form, "CRC-64-AVRO"))
