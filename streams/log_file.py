"""Log files that rotate, one for each process, and lines of JSON."""

from __future__ import annotations

import fcntl
import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from schemas.errors import Fatal
from schemas.hidden_secrets import without_secrets
from schemas.printable import printable_line
from streams.log import EVENT, FACTS, log_to

MB = 1_000_000
SIZE_MB, COUNT = 20, 5
EVERY_S = 60.0
"""The time from one line that says what a process did to the next."""


@dataclass(frozen=True, slots=True)
class LogOutput:
    """The place and form of a process's log. Without *file* it goes to standard error.

    A file that reaches *size_mb* becomes ``FILE.1``, the one before that ``FILE.2``; *count* of these are kept.
    """

    file: Path | None = None
    size_mb: int = SIZE_MB
    count: int = COUNT
    line_every_s: float = EVERY_S
    is_json: bool = False
    is_quiet: bool = False

    def begin(self) -> None:
        """Log there from now on. ``Fatal`` if the file cannot be written, or another process logs to it."""
        level = logging.WARNING if self.is_quiet else logging.INFO
        handler = logging.StreamHandler(sys.stderr) if self.file is None else self._opened(self.file)
        log_to(handler, level, JsonLines() if self.is_json else None)

    def _opened(self, file: Path) -> logging.Handler:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return OwnFile(file, size=self.size_mb * MB, count=self.count)
        except BlockingIOError:
            raise Fatal(
                f"another process logs to {file}", hint="give each process a file of its own"
            ) from None
        except OSError as error:
            raise Fatal(
                f"{file} cannot be written: {error.strerror}", hint="name another --log-file"
            ) from None

    def options_of(self, name: str) -> list[str]:
        """The options of ``bongsu run`` for a child *name*: the same, with a file of its own beside ours."""
        options = ["--quiet"] if self.is_quiet else ["--line-every", str(self.line_every_s)]
        options += ["--log-json"] if self.is_json else []
        if self.file is not None:
            beside = self.file.with_name(f"{self.file.stem}-{name}{self.file.suffix}")
            options += ["--log-file", str(beside), "--log-size", str(self.size_mb)]
            options += ["--log-count", str(self.count)]
        return options


class OwnFile(RotatingFileHandler):
    """A rotating file that one process alone writes: it is locked while it is open, also after each rotation.

    Two processes that rotated one file would each write to a file that the other has renamed.
    """

    def __init__(self, file: Path, *, size: int, count: int) -> None:
        self._lost = 0
        super().__init__(file, maxBytes=size, backupCount=count, encoding="utf-8")

    def _open(self) -> Any:
        stream = super()._open()
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        lost = self._lost
        super().emit(record)
        if lost and self._lost == lost:
            sys.stderr.write(f"the log file {self.baseFilename} is written again, lines lost: {lost}\n")
            self._lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Count a line that is lost and go on: a full disk must not end the work. Standard error says so once."""
        self._lost += 1
        if self._lost == 1:
            error = sys.exc_info()[1]
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            sys.stderr.write(f"the log file {self.baseFilename} cannot be written: {why}\n")


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level and event, then the facts under their own names."""

    def format(self, record: logging.LogRecord) -> str:
        event = getattr(record, EVENT, None) or record.getMessage()
        facts = {name: _json_value(value) for name, value in getattr(record, FACTS, {}).items()}
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname, "event": printable_line(event)}
        return json.dumps({**line, **facts, **line}, ensure_ascii=False, allow_nan=False)


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3) if abs(value) < float("inf") else str(value)
    return value if isinstance(value, bool | int | None) else printable_line(without_secrets(str(value)))
