"""Events of cameras' detections. Pure, and written to be quick: there are tens of thousands a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Place, Reading, SetAside, SourceContext
from connectors.formats.records import a_number, plausible_time
from connectors.formats.records import position as position_of
from connectors.subjects.cameras import Camera, Cameras
from connectors.subjects.labels import OTHER, load_labels
from connectors.subjects.plausible import EARLIEST_MS, LATEST_MS, UNKNOWN_IDS, plausible
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

TOPIC = "cctv.detection"
BORDER = 0.05
"""Trackers follow things beyond the border: a box that sticks out by at most this share of the picture is cut there."""
MOST = 1 + BORDER
LATEST_S = LATEST_MS // 1000
METRES_PER_S = {"m/s": 1.0, "km/h": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704}
REPEATED = "said twice of one thing and moment"

Attributes = list[dict[str, Any]]
Box = dict[str, float]
Corners = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_NUMBER = (float, int)


@dataclass(slots=True)
class Told:
    """The results of a body, as it is being read. *ids*: of each event, what it said beside its identity."""

    at_ms: int | None
    ids: dict[str, tuple[object, ...]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def is_new(self, event_id: str, said: tuple[object, ...] = ()) -> bool:
        """Whether the body has not told that event before; one that it has is counted as repeated."""
        if event_id in self.ids:
            self.skipped[REPEATED] += 1
            return False
        self.ids[event_id] = said
        return True

    def reading(self, place: Place) -> Reading:
        return Reading(self.events, place, aside=self.aside, skipped=self.skipped, noted=self.noted)


class Detections:
    """Builder of the events of one source's claims."""

    def __init__(self, context: SourceContext, cameras: Cameras, table: str) -> None:
        self._context = context
        self._city, self._source = context.city, context.source
        self.cameras = cameras
        self._words = load_labels().tables[table]

    def label(self, word: str | None, told: Told) -> str:
        """Ours for the camera's *word*; an unknown one is "other", and noted."""
        if word is None:
            return OTHER
        label = self._words.get(word) or self._words.get(word.strip().lower())
        if label is None:
            told.noted[f"label unknown: {word[:40]}"] += 1
            return OTHER
        return label

    def own_position(self, lat: object, lon: object) -> dict[str, Any] | None:
        """The position that the analytics give. ``Invalid`` outside the city."""
        return position_of(self._context, lat, lon)

    def tell(
        self,
        told: Told,
        camera: Camera,
        event_ms: int,
        identity: Iterable[object],
        track_id: str | None = None,
        label: str = OTHER,
        label_text: str | None = None,
        confidence: float | None = None,
        box: Box | None = None,
        position: Mapping[str, Any] | None = None,
        speed_mps: float | None = None,
        ended: bool = False,
        classes: Sequence[dict[str, Any]] = (),
        attributes: Sequence[dict[str, Any]] = (),
        said: tuple[object, ...] = (),
        is_named: bool = False,
    ) -> None:
        """Add the event of one claim to *told*; told again in one body it is counted. ``Invalid`` for a time that cannot be.

        *identity*: the source's own ids of it beside camera and track, at the least the frame's time. Events may share
        what they hold: nobody changes an event. *said*, its class and box, joins the identity where nobody tracks the
        thing, unless the identity alone names it (*is_named*), and where the body says something else under the same id.
        """
        if track_id in UNKNOWN_IDS:
            told.noted["track unknown"] += 1
            track_id = None
        if track_id is None and not is_named:
            identity = (*identity, *said)
        at_ms = told.at_ms
        if event_ms < EARLIEST_MS or (at_ms is not None and event_ms > at_ms):
            plausible_time(event_ms, at_ms, "event_time")
        where = camera.position if position is None else position
        city, source, camera_id = self._city, self._source, camera.camera_id
        event_id = derived_id(city, source, camera_id, track_id, *identity)
        if told.ids.get(event_id, said) != said:
            event_id = derived_id(city, source, camera_id, track_id, *identity, *said)
        if not told.is_new(event_id, said):
            return
        value = event_fields(
            city,
            source,
            event_id=event_id,
            event_time_ms=event_ms,
            received_ms=event_ms if at_ms is None else at_ms,
            position=where,
        )
        value |= {
            "camera_id": camera_id,
            "track_id": track_id,
            "label": label,
            "confidence": confidence,
            "bounding_box": box,
            "position_source": None if where is None else "camera" if position is None else "analytics",
            "label_text": label_text,
            "speed_mps": speed_mps,
            "ended": ended,
            "classes": classes or [],
            "attributes": attributes or [],
        }
        told.events.append(Event(TOPIC, camera_id, value))


def box_of(left: object, top: object, right: object, bottom: object, told: Told) -> Box | None:
    """A box of shares of the picture, origin top left. ``None``, and noted, where it is no part of the picture.

    ``Invalid`` where an edge is no number.
    """
    if type(left) is float and type(top) is float and type(right) is float and type(bottom) is float:
        x1, y1, x2, y2 = left, top, right, bottom  # the usual case, in a third of the time
    else:
        x1, y1, x2, y2 = _corners(left, top, right, bottom, "numbers")
    if not (-BORDER <= x1 <= x2 <= MOST and -BORDER <= y1 <= y2 <= MOST):
        told.noted["box outside its picture"] += 1  # or not a number, in the sense of floats
        return None
    if x1 == x2 and y1 == y2:
        told.noted["box without extent"] += 1  # four zeros, as many write nothing
        return None
    if x1 < 0 or y1 < 0 or x2 > 1 or y2 > 1:
        x1, y1 = max(x1, 0.0), max(y1, 0.0)
        x2, y2 = max(min(x2, 1.0), x1), max(min(y2, 1.0), y1)
    return {"x": x1 + 0.0, "y": y1 + 0.0, "width": x2 - x1 + 0.0, "height": y2 - y1 + 0.0}


def _corners(left: object, top: object, right: object, bottom: object, expected: str) -> Corners:
    """The edges as numbers; ``Invalid`` where one is none: a bool is none either."""
    if (
        isinstance(left, _NUMBER)
        and isinstance(top, _NUMBER)
        and isinstance(right, _NUMBER)
        and isinstance(bottom, _NUMBER)
        and bool not in (type(left), type(top), type(right), type(bottom))
    ):
        return left, top, right, bottom
    raise _no_number(expected)


def _no_number(expected: str) -> Invalid:
    return Invalid("an edge of the box is no number", field="bounding_box", expected=expected)


def box_in_pixels(
    camera: Camera, left: object, top: object, right: object, bottom: object, told: Told
) -> Box | None:
    """As ``box_of``, of pixels: ``None``, and noted, where the city does not know how large the picture is."""
    width, height = camera.width_px, camera.height_px
    if bool in (type(left), type(top), type(right), type(bottom)):  # even where the size is unknown
        raise _no_number("pixels")
    if width is None or height is None:
        told.noted["box in pixels of a picture of unknown size"] += 1
        return None
    left, top, right, bottom = _corners(left, top, right, bottom, "pixels")
    return box_of(left / width, top / height, right / width, bottom / height, told)


def share_of(value: object, name: str, noted: Counter[str]) -> float | None:
    """A likelihood of 0 to 1; ``None`` where there is none, or, noted, where it is below zero. ``Invalid`` otherwise."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= 1:
        raise Invalid(f"{name} is no share", field=name, expected="0 to 1")
    return plausible(float(value), "likelihood", noted, name)


def claimed(label: str, share: float | None) -> list[dict[str, Any]]:
    """The one class as a list, where the camera gives its likelihood."""
    return [] if share is None else [{"label": label, "likelihood": share}]


def attribute(name: str, value: object, likelihood: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": str(value), "likelihood": likelihood}


def speed_of(value: object, name: str, to_mps: float | None, noted: Counter[str]) -> float | None:
    """Metres a second; ``None`` where there is none, or the settings do not say its unit (*to_mps*), or, noted, where it
    cannot be."""
    if to_mps is None or value is None:
        return None
    return plausible(a_number(value, name) * to_mps, "speed", noted)
