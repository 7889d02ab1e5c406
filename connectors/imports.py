"""Import a connector from outside so that a broken one harms nobody: it fails by itself, with its file and line.

BrokenConnector   a Fatal: its module cannot be imported, or lacks what a connector has
"""

from __future__ import annotations

import ctypes
import importlib
import re
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from connectors.locations import Location, Unusable
from schemas.errors import BongsuError, Fatal
from schemas.printable import printable_line

IMPORT_S_MAX = 30.0
"""The longest that a connector may take to be imported, to read its settings, or to be made. Large libraries take
seconds on a slow disk."""
SHOWN_MAX = 300
CLASS_OF = {"source": "SOURCE", "sink": "SINK"}
FORM = "a connector has Config, a pydantic model, and SOURCE (a sink: SINK), a class; bongsu source new NAME lays one"

_failures: dict[tuple[Location, int], BrokenConnector] = {}
"""Modules that failed, by place and time of change: each is tried once, as it may take until its time is over. Bounded by
the connectors there are and by how often a person saves one while a process runs."""


class BrokenConnector(Fatal):
    """A connector that cannot be used. *file* and *line* say where it is broken."""

    def __init__(self, what: str, *, hint: str, file: Path | None = None, line: int = 1) -> None:
        super().__init__(what, hint=hint)
        self.file, self.line = file, line


class Endless(Exception):
    """Code that did not end in its time. *file* and *line*: where it was then."""

    def __init__(self, seconds: float, frame: Any) -> None:
        super().__init__(f"did not end within {seconds:g} s")
        self.stack = traceback.extract_stack(frame) if frame is not None else []


def refuse(unusable: Unusable) -> BrokenConnector:
    """The error of a name that cannot be used."""
    return BrokenConnector(unusable.what, hint=unusable.hint, file=unusable.places[-1].file)


def import_connector(location: Location) -> ModuleType:
    """The module of the connector at *location*. ``BrokenConnector`` if it cannot be imported, or is no connector."""
    if location.is_shipped:
        return importlib.import_module(location.module)
    if (module := sys.modules.get(location.module)) is not None and not _is_being_imported(module):
        return _formed(location, module)
    key = (location, _changed_ns(location.file))
    if key not in _failures:
        try:
            imported = within(IMPORT_S_MAX, lambda: importlib.import_module(location.module))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a module raises while it is imported, SystemExit too
            _failures[key] = broken_at(location, error, "cannot be imported")
        else:
            return _formed(location, imported)
    raise _failures[key].with_traceback(None)


def called(
    location: Location,
    what: str,
    work: Callable[[], Any],
    passing: tuple[type[Exception], ...] = (BongsuError,),
) -> Any:
    """The value of *work*, which runs code of the connector. For one from outside, all that it raises but *passing*, and
    that it does not end, is a ``BrokenConnector`` that says *what*."""
    if location.is_shipped:
        return work()
    try:
        return within(IMPORT_S_MAX, work)
    except BaseException as error:  # SystemExit too
        if isinstance(error, (KeyboardInterrupt, *passing)):
            raise
        raise broken_at(location, error, what) from None


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The value of *work*, or what it raises. ``Endless`` after *seconds*: it runs in a thread, which is left behind."""
    box: dict[str, Any] = {}

    def run() -> None:
        try:
            box["value"] = work()
        except BaseException as error:  # raised again by who waits
            box["error"] = error

    thread = threading.Thread(target=run, name="connector", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident or 0)
        ended = Endless(seconds, frame)
        # A loop in Python ends by this; a call that sleeps goes on, and costs nothing.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
        )
        raise ended
    if "error" in box:
        raise box["error"]
    return box["value"]


def broken_at(location: Location, error: BaseException, what: str) -> BrokenConnector:
    """*error* of the connector's code as one that names its file and line."""
    file, line = line_of(location, error)
    where = f"{file}, line {line}" if file is not None else location.spoken
    said = "" if isinstance(error, Endless) else f"{type(error).__name__}: "
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    why = printable_line(f"{said}{text}"[:SHOWN_MAX])
    hint = f"mend it there; then: bongsu source check {location.name if file is None else file}"
    if file is None:
        hint = "correct the entry point in its package, or remove the package"
    return BrokenConnector(
        f"{location.kind} {location.name!r} {what}: {where}: {why}", hint=hint, file=file, line=line
    )


def line_of(location: Location, error: BaseException) -> tuple[Path | None, int]:
    """The innermost line of the connector's own files in *error*, else the begin of its file."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return Path(error.filename), error.lineno
    stack = error.stack if isinstance(error, Endless) else traceback.extract_tb(error.__traceback__)
    own = _own_folder(location)
    for frame in reversed(stack):
        if own is not None and Path(frame.filename).resolve().is_relative_to(own):
            return Path(frame.filename), frame.lineno or 1
    return location.file, 1


def _own_folder(location: Location) -> Path | None:
    """The folder of the connector's own files: for a package the folder of the package itself."""
    if location.file is None:
        return None
    depth = location.module.count(".") - (location.file.name != "__init__.py")
    return location.file.parents[max(0, depth)]


def _formed(location: Location, module: ModuleType) -> ModuleType:
    config, made = getattr(module, "Config", None), getattr(module, CLASS_OF[location.kind], None)
    name = CLASS_OF[location.kind]
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise _malformed(location, "Config", "is no pydantic model" if config is not None else "is missing")
    if not isinstance(made, type):
        raise _malformed(location, name, "is no class" if made is not None else "is missing")
    needed = ("read", "close") if location.kind == "source" else ("deliver", "close")
    lacking = [one for one in needed if not callable(getattr(made, one, None))]
    if location.kind == "source" and not (hasattr(made, "poll") or hasattr(made, "listen")):
        lacking.append("poll or listen")
    if lacking:
        raise _malformed(location, name, f"has no {', no '.join(lacking)}")
    return module


def _malformed(location: Location, word: str, what: str) -> BrokenConnector:
    line, text = 1, ""
    if location.file is not None:
        text = location.file.read_text(encoding="utf-8", errors="replace")
    if found := re.search(rf"^(?:class\s+)?{word}\b", text, re.MULTILINE):
        line = text.count("\n", 0, found.start()) + 1
    where = f"{location.file}, line {line}" if location.file is not None else location.spoken
    return BrokenConnector(
        f"{location.kind} {location.name!r} is no connector: {where}: {word} {what}",
        hint=FORM,
        file=location.file,
        line=line,
    )


def _is_being_imported(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


def _changed_ns(file: Path | None) -> int:
    try:
        return file.stat().st_mtime_ns if file is not None else 0
    except OSError:
        return 0
