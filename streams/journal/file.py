"""A journal as a file: JSON lines that need neither Kafka nor a registry to be read. Pure but for the file itself.

The first line is the header, then comes one line an entry, then one line an answer, topic by topic in the topic's order.
Each body and each answer is its Avro payload in base64, beside the subject and the version that it was written in; the
rules' numbers stand as the JSON that they are. A journal whose beginning is gone has a snapshot in the place of its first
entries, and is of a form of its own, which an older version refuses by its number. A file whose name ends in ``.gz`` is
compressed; the same lines give the same bytes.
"""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from schemas.errors import Invalid

EXPORT, FORM = "bongsu journal", 1
WITH_SNAPSHOT = 2
"""The form of a file that begins with a snapshot."""
NUMBERS = ("sequence", "event_time", "origin_partition", "origin_offset")
RULES, SNAPSHOT = "rules", "snapshot"


@dataclass(frozen=True, slots=True)
class ExportedEntry:
    """An entry of the journal. *row* has the fields of its record but the body; *body* is the Avro payload of *version*, or,
    for rules, their JSON, and for a snapshot its part, which have no version."""

    row: Mapping[str, Any]
    body: bytes
    version: int | None


@dataclass(frozen=True, slots=True)
class ExportedAnswer:
    """A recorded answer. *payload* is ``None`` for a tombstone, which has no version."""

    topic: str
    key: str
    payload: bytes | None
    version: int | None


def header_line(city: str, *, has_snapshot: bool = False) -> bytes:
    return _line({"export": EXPORT, "form": WITH_SNAPSHOT if has_snapshot else FORM, "city": city})


def entry_line(entry: ExportedEntry, subject: str | None) -> bytes:
    is_rules = entry.row["entry"] == RULES
    body: Any = orjson.Fragment(entry.body) if is_rules else b64encode(entry.body).decode()
    return _line({**entry.row, "subject": subject, "version": entry.version, "body": body})


def answer_line(answer: ExportedAnswer, subject: str) -> bytes:
    payload = None if answer.payload is None else b64encode(answer.payload).decode()
    return _line(
        {
            "topic": answer.topic,
            "key": answer.key,
            "subject": subject,
            "version": answer.version,
            "payload": payload,
        }
    )


def _line(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def write_lines(lines: Iterable[bytes], file: IO[bytes], *, is_compressed: bool) -> None:
    """*lines* to *file*. Compressed ones bear no time and no name: the same lines give the same bytes."""
    if not is_compressed:
        file.writelines(lines)
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.writelines(lines)


class JournalFile:
    """An exported journal. Each reading starts at the beginning of the file and holds one line at a time.

    ``Invalid`` names the line that is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._lines() as lines:
            self.city = _city_of(next(lines, (1, None))[1])

    def entries(self) -> Iterator[tuple[int, ExportedEntry]]:
        """(line number, entry) in the journal's order."""
        with self._lines() as lines:
            next(lines, None)
            for number, value in lines:
                if "topic" in value:  # the answers stand behind the entries
                    return
                yield number, _entry_of(number, value)

    def answers(self, topic: str) -> Iterator[ExportedAnswer]:
        """The answers on *topic* in its order."""
        with self._lines() as lines:
            for number, value in lines:
                if value.get("topic") == topic:
                    yield _answer_of(number, value)

    def topics(self) -> set[str]:
        """The topics that any answer stands on."""
        with self._lines() as lines:
            return {str(value["topic"]) for _, value in lines if "topic" in value}

    @contextmanager
    def _lines(self) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
        is_packed = self._path.suffix == ".gz"
        with gzip.open(self._path, "rb") if is_packed else self._path.open("rb") as file:
            yield _values(file)


def _values(file: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        for number, line in enumerate(file, 1):
            value = orjson.loads(line)
            if not isinstance(value, dict):
                raise _wrong(number, "no JSON object")
            yield number, value
    except orjson.JSONDecodeError:
        raise _wrong(number, "no JSON") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _wrong(number + 1, "the compressed file is damaged or cut off") from None


def _city_of(header: Mapping[str, Any] | None) -> str:
    if header is None or header.get("export") != EXPORT or not isinstance(header.get("city"), str):
        raise _wrong(1, "no exported journal")
    if header.get("form") not in (FORM, WITH_SNAPSHOT):
        raise _wrong(
            1, f"an exported journal of another form than {FORM} or {WITH_SNAPSHOT}: it needs a newer version"
        )
    return str(header["city"])


def _entry_of(number: int, value: dict[str, Any]) -> ExportedEntry:
    row = {name: one for name, one in value.items() if name not in ("subject", "version", "body")}
    _demand(number, row, ("entry", "origin_topic"), NUMBERS)
    if row["entry"] == RULES:
        return ExportedEntry(row, orjson.dumps(value.get("body")), None)
    version = None if row["entry"] == SNAPSHOT else _version(number, value)
    return ExportedEntry(row, _bytes(number, "body", value.get("body")), version)


def _answer_of(number: int, value: Mapping[str, Any]) -> ExportedAnswer:
    _demand(number, value, ("topic", "key"), ())
    if value.get("payload") is None:
        return ExportedAnswer(value["topic"], value["key"], None, None)
    payload = _bytes(number, "payload", value["payload"])
    return ExportedAnswer(value["topic"], value["key"], payload, _version(number, value))


def _demand(number: int, value: Mapping[str, Any], texts: Iterable[str], numbers: Iterable[str]) -> None:
    for name in texts:
        if not isinstance(value.get(name), str):
            raise _wrong(number, f"{name} is no text")
    for name in numbers:
        if type(value.get(name)) is not int:
            raise _wrong(number, f"{name} is no whole number")


def _version(number: int, value: Mapping[str, Any]) -> int:
    version = value.get("version")
    if type(version) is not int or version < 1:
        raise _wrong(number, "version is no number of a contract's version")
    return version


def _bytes(number: int, name: str, value: Any) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise _wrong(number, f"{name} is no base64") from None


def _wrong(number: int, what: str) -> Invalid:
    return Invalid(
        f"line {number}: {what}",
        field=f"line {number}",
        expected="as 'bongsu replay CITY --export FILE' writes it",
    )
