"""Each source's own small example: a city, settings, and an invented recording."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.recordings import read_recording
from schemas.event import Event

EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class Example:
    type: str
    context: SourceContext
    config: dict[str, Any]
    recording: Path

    def source(self, **changed: Any) -> Any:
        return load_source(self.type, self.context, {**self.config, **changed})

    def heard(self) -> list[Heard]:
        return list(read_recording(self.recording))


def example_of(type_name: str) -> Example:
    """The example of a type; every source must have one."""
    file = EXAMPLES / f"{type_name}.toml"
    assert file.is_file(), f"source {type_name} brings no example: write {file.name} and its recording"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    context = SourceContext(told["city"], "example", ZoneInfo(told["timezone"]), Bounds(*told["bounds"]))
    config = {key: str(EXAMPLES / value) if key == "path" else value for key, value in told["config"].items()}
    return Example(type_name, context, config, EXAMPLES / told["recording"])


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
