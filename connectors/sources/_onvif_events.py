"""Events of ONVIF's analytics as detections without a box, and the ends of the states that they began. Pure."""

from __future__ import annotations

import re
from typing import Any

from connectors.sources._onvif_parts import Happening, utc_ms
from connectors.subjects.cameras import Camera
from connectors.subjects.detections import Detections, Told, attribute
from connectors.subjects.labels import OTHER, by_beginning, load_labels
from connectors.subjects.plausible import plausible

TOLD_ITEMS = ("Rule", "IsInside", "IsMotion", "State", "Count", "Direction", "ClassTypes")
"""Items of events that are published as attributes. Others may name a person (Label, EnrollmentID) or a car."""
State = list[Any]
"""The time, the track and the video source of the event that began a state: JSON-able, since it is kept in the place."""
VIDEO_SOURCE = 2
COUNT = re.compile(r"-?[0-9]{1,20}")


class Events:
    """Builder of the detections of one source's events."""

    def __init__(self, detections: Detections) -> None:
        self._detections = detections
        self._topics = load_labels().tables["onvif-topics"]

    def add(self, happening: Happening, camera: Camera, told: Told) -> bool:
        """Add an event of analytics; return whether it was one."""
        label = OTHER if happening.topic is None else by_beginning(self._topics, happening.topic)
        is_ours = "Rule" in happening.sources or "ObjectId" in happening.items
        if label is None or (happening.topic is None and not is_ours):
            told.skipped["event of another service"] += 1
            return False
        items = {**happening.sources, **happening.items}
        attributes = [attribute("event", happening.topic)] if happening.topic else []
        attributes += [
            attribute(name.lower(), items[name])
            for name in TOLD_ITEMS
            if name in items and _is_plausible(name, items[name], told)
        ]
        identity = (
            happening.topic,
            happening.time,
            *(f"{k}={v}" for k, v in sorted(happening.sources.items())),
            happening.operation,
        )
        self._detections.tell(
            told,
            camera,
            utc_ms(happening.time, told.noted),
            identity,
            happening.items.get("ObjectId"),
            label,
            ended=happening.operation == "Deleted",
            attributes=attributes,
            said=tuple(f"{name}={value}" for name, value in sorted(happening.items.items())),
            is_named=True,
        )
        return True

    def end(self, topic: str, event_topic: str, state: State, camera: Camera, told: Told) -> None:
        """Add the end of *state*, which an empty payload on *topic* deletes."""
        time, track, _ = state
        self._detections.tell(
            told,
            camera,
            utc_ms(time, told.noted) if told.at_ms is None else told.at_ms,
            (topic, time, "deleted"),
            track,
            by_beginning(self._topics, event_topic) or OTHER,
            ended=True,
            attributes=[attribute("event", event_topic)],
        )


def _is_plausible(name: str, value: str, told: Told) -> bool:
    """Whether *value* can be, where it counts things; else it is noted."""
    if name != "Count" or not COUNT.fullmatch(value):
        return True
    return plausible(int(value), "count", told.noted) is not None


def video_source_of(happening: Happening) -> str | None:
    return happening.sources.get("VideoSource") or happening.sources.get("VideoSourceConfigurationToken")


def remember(properties: dict[str, list[Any]], topic: str | None, happening: Happening) -> None:
    """Remember the state that an empty payload on *topic* would end."""
    is_state = any(name.startswith("Is") or name in ("State", "Active") for name in happening.items)
    if topic is None or not (is_state or happening.operation):
        return
    properties.pop(topic, None)
    properties[topic] = [happening.time, happening.items.get("ObjectId"), video_source_of(happening)]
