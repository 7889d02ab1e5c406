"""Recordings: the bodies that a source read, line by line, to be fed through the source again.

A recording is JSON lines, optionally gzipped: ``{"fetched_at", "body" | "body_base64", "error",
"missing"}``. Any other file is one body in an outside system's own form, at no stated time.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from connectors.base import Heard
from connectors.formats.json import exact_json
from connectors.formats.json_parts import part_at
from schemas.errors import Fatal
from schemas.iso_time import iso_time

LINE_BYTES_MAX = 256 * 1024 * 1024
FILE_BYTES_MAX = 1024 * 1024 * 1024
_BEGINS_LIKE_A_RECORDING = re.compile(rb'\s*\{\s*"fetched_at"')


def _open(path: Path) -> BinaryIO:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")
    except OSError as error:
        raise Fatal(
            f"{path}: {error.strerror or 'cannot be read'}", hint="name a recording that exists"
        ) from None


def _is_recording(first_line: bytes) -> bool:
    if _BEGINS_LIKE_A_RECORDING.match(first_line):
        return True
    try:
        found = orjson.loads(first_line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and "fetched_at" in found


def _at_ms(text: object) -> int:
    if not isinstance(text, str):
        raise ValueError('"fetched_at" is missing')  # noqa: TRY004 - read_line names file and line around it
    read = iso_time(text)
    if not read.has_offset:
        raise ValueError('"fetched_at" has no offset')
    return read.utc_ms()


def _body(line: dict[str, Any]) -> bytes:
    if "body_base64" in line:
        return base64.b64decode(line["body_base64"], validate=True)
    body = line.get("body")
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    try:
        return orjson.dumps(body)
    except TypeError:  # a number beyond 64 bits
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _opened(line: bytes) -> tuple[Any, bytes | None]:
    """*line* as JSON; where that fails for its body alone, the line without it, and the body's bytes as they came.

    A body is its source's to judge: NaN in one record of it ends no replay.
    """
    try:
        return exact_json(line), None
    except orjson.JSONDecodeError:
        part = part_at(line, "body")
        if part is None:
            raise
        found = exact_json(line[: part.begin] + b"null" + line[part.end :])
    body = part.of(line)
    return found, json.loads(body).encode("utf-8", "surrogatepass") if body.startswith(b'"') else body


def read_line(line: bytes, *, where: str = "recording") -> Heard:
    """One line of a recording. ``Fatal`` naming *where* when it is none."""
    try:
        found, body = _opened(line)
        if not isinstance(found, dict):
            raise ValueError("not an object")  # noqa: TRY004 - as above
        error, missing = found.get("error"), found.get("missing") or []
        if not isinstance(missing, list):
            raise ValueError('"missing" is no list')  # noqa: TRY004 - as above
        return Heard(
            body=_body(found) if body is None else body,
            at_ms=_at_ms(found.get("fetched_at")),
            error=str(error) if error else None,
            missing=tuple(map(str, missing)),
        )
    except (ValueError, TypeError, binascii.Error) as error:
        raise Fatal(
            f"{where}: {error}", hint='a line is {"fetched_at": "2024-05-16T23:00:00+00:00", "body": …}'
        ) from None


def write_line(heard: Heard) -> bytes:
    """*heard* as one line of a recording, with its newline. Needs ``at_ms``."""
    if heard.at_ms is None:
        raise Fatal("a body without a time of arrival cannot be recorded")
    at = datetime.fromtimestamp(heard.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    line: dict[str, Any] = {"fetched_at": at}
    try:
        line["body"] = heard.body.decode()
    except UnicodeDecodeError:
        line["body_base64"] = base64.b64encode(heard.body).decode()
    if heard.error is not None:
        line["error"] = heard.error
    if heard.missing:
        line["missing"] = heard.missing
    return orjson.dumps(line) + b"\n"


def _lines(path: Path, file: BinaryIO, first: bytes) -> Iterator[Heard]:
    line, number = first, 1
    while line:
        if len(line) > LINE_BYTES_MAX:
            raise Fatal(f"{path}:{number}: the line is longer than {LINE_BYTES_MAX} bytes")
        if line.strip():
            yield read_line(line, where=f"{path}:{number}")
        line, number = file.readline(LINE_BYTES_MAX + 1), number + 1


def read_recording(path: Path) -> Iterator[Heard]:
    """The content of *path*, in order: a recording line by line, any other file as one ``Heard``.

    ``Fatal`` names file and line of what is neither.
    """
    with _open(path) as file:
        try:
            first = file.readline(LINE_BYTES_MAX + 1)
            if _is_recording(first):
                yield from _lines(path, file, first)
                return
            body = first + file.read(FILE_BYTES_MAX)
        except (EOFError, gzip.BadGzipFile) as error:
            raise Fatal(f"{path}: {error}", hint="the file was cut; fetch it again") from None
    if len(body) > FILE_BYTES_MAX:
        raise Fatal(f"{path}: larger than {FILE_BYTES_MAX} bytes")
    yield Heard(body=body, at_ms=None, attributes={"name": path.name})
