"""A source's own small example: a city, settings, and an invented recording.

``NAME.toml`` says ``recording``, ``city``, ``timezone``, ``bounds`` (south, west, north, east) and ``[config]``.
The recording,
and a ``path`` in its settings, are beside it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.locations import Folders
from connectors.recordings import read_recording
from schemas.errors import Fatal
from schemas.event import Event

FORM = "write recording, city, timezone, bounds = [south, west, north, east] and [config] in it"


@dataclass(frozen=True)
class Example:
    """An example of one type. *folders*: where the type is found beside those that ship and those of packages."""

    type: str
    context: SourceContext
    config: dict[str, Any]
    recording: Path
    folders: Folders = ()

    def source(self, **changed: Any) -> Any:
        """The source, made with the example's settings, some of them *changed*."""
        return load_source(self.type, self.context, {**self.config, **changed}, self.folders)

    def heard(self) -> list[Heard]:
        """The bodies of its recording, in order."""
        return list(read_recording(self.recording))


def read_example(type_name: str, file: Path, folders: Folders = ()) -> Example:
    """The example of a type in *file*. ``Fatal`` where it cannot be read."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        south, west, north, east = map(float, told["bounds"])
        zone, city, recording = ZoneInfo(told["timezone"]), str(told["city"]), file.parent / told["recording"]
        config = {
            key: str(file.parent / value) if key == "path" else value for key, value in told["config"].items()
        }
    except OSError as error:
        raise Fatal(f"example {file} cannot be read: {error.strerror}", hint=FORM) from None
    except KeyError as error:
        raise Fatal(f"example {file}: {error.args[0]} is missing or unknown", hint=FORM) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise Fatal(f"example {file}: {error}", hint=FORM) from None
    context = SourceContext(city, "example", zone, Bounds(south, west, north, east))
    return Example(type_name, context, config, recording, folders)


def example_beside(test: str, type_name: str) -> Example:
    """The example of a source in a folder of one's own, for the *test* (``__file__``) in that folder's ``tests``."""
    root = Path(test).resolve().parent.parent
    return read_example(type_name, root / "examples" / f"{type_name}.toml", (root,))


def read_all(source: Any, heard: list[Heard], place: Any = None) -> tuple[list[Event], list[Reading], Any]:
    """Read everything *heard* in order, with the place carried along: events, readings, the last place."""
    events: list[Event] = []
    readings = []
    place = {} if place is None else place
    for one in heard:
        reading = source.read(one, place)
        events += reading.events
        readings.append(reading)
        place = reading.place
    return events, readings, place
