"""Events of ONVIF's analytics as detections without a box, and the ends of the states that they began. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.sources._onvif_parts import Happening, utc_ms
from connectors.subjects.cameras import Camera
from connectors.subjects.detections import Detections, Told, attribute
from connectors.subjects.labels import OTHER, by_beginning, by_words, load_labels
from connectors.subjects.plausible import plausible

TOLD_ITEMS = ("Rule", "IsInside", "IsMotion", "State", "Count", "Direction", "ClassTypes", "classTypes")
"""Items of events that are published as attributes. Others may name a person (Label, EnrollmentID) or a car."""
State = list[Any]
"""The time, the track and the video source of the event that began a state: JSON-able, since it is kept in the place."""
VIDEO_SOURCE = 2
COUNT = re.compile(r"-?[0-9]{1,20}")
CLASSES = ("ClassTypes", "classTypes", "ObjectType")
"""Items that say the classes of what an event is about, one word or several."""
NO = frozenset({"false", "0"})


class Events:
    """Builder of the detections of one source's events."""

    def __init__(self, detections: Detections, rules: Mapping[str, str]) -> None:
        """*rules*: the name of a rule, or a topic → the label that the city says it stands for."""
        self._detections = detections
        self._topics = load_labels().tables["onvif-topics"]
        self._behaviours = load_labels().tables["behaviours"]
        self._classes = load_labels().tables["onvif"]
        self._rules = rules

    def add(self, happening: Happening, camera: Camera, told: Told) -> bool:
        """Add an event of analytics; return whether it was one."""
        label = self._label(happening)
        is_ours = "Rule" in happening.sources or "ObjectId" in happening.items
        if label is None or (happening.topic is None and not is_ours):
            told.skipped["event of another service"] += 1
            return False
        has_ended = happening.operation == "Deleted" or _is_over(happening)
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
            OTHER if has_ended else label,  # nobody is told of smoke when it is over
            ended=has_ended,
            attributes=attributes,
            said=tuple(f"{name}={value}" for name, value in sorted(happening.items.items())),
            is_named=True,
        )
        return True

    def _label(self, happening: Happening) -> str | None:
        """The claim of an event: as the city says of its rule or topic, as the topic says, or the class of its object.

        ``None`` for an event of another service.
        """
        topic = happening.topic
        for name in (happening.sources.get("Rule"), topic):
            if name is not None and name in self._rules:
                return self._rules[name]
        label = OTHER if topic is None else by_beginning(self._topics, topic)
        if label != OTHER:
            return label
        said = "" if topic is None else by_words(self._behaviours, topic)
        if said:
            return said
        words = next((happening.items[name] for name in CLASSES if name in happening.items), "")
        its_classes = [self._classes.get(word.lower(), OTHER) for word in words.replace(",", " ").split()]
        return its_classes[0] if its_classes else label

    def end(self, topic: str, event_topic: str, state: State, camera: Camera, told: Told) -> None:
        """Add the end of *state*, which an empty payload on *topic* deletes."""
        time, track, _ = state
        self._detections.tell(
            told,
            camera,
            utc_ms(time, told.noted) if told.at_ms is None else told.at_ms,
            (topic, time, "deleted"),
            track,
            ended=True,
            attributes=[attribute("event", event_topic)],
        )


def _is_plausible(name: str, value: str, told: Told) -> bool:
    """Whether *value* can be, where it counts things; else it is noted."""
    if name != "Count" or not COUNT.fullmatch(value):
        return True
    return plausible(int(value), "count", told.noted) is not None


def _is_over(happening: Happening) -> bool:
    """Whether the event says that its state is not so: ``IsInside`` false, ``active`` 0."""
    states = [value for name, value in happening.items.items() if is_state(name)]
    return bool(states) and all(value.strip().lower() in NO for value in states)


def is_state(name: str) -> bool:
    """Whether an item called *name* says that something is so, or no longer."""
    return name.startswith("Is") or name in ("State", "Active", "active")


def video_source_of(happening: Happening) -> str | None:
    return happening.sources.get("VideoSource") or happening.sources.get("VideoSourceConfigurationToken")


def remember(properties: dict[str, list[Any]], topic: str | None, happening: Happening) -> None:
    """Remember the state that an empty payload on *topic* would end."""
    if topic is None or not (any(map(is_state, happening.items)) or happening.operation):
        return
    properties.pop(topic, None)
    properties[topic] = [happening.time, happening.items.get("ObjectId"), video_source_of(happening)]
