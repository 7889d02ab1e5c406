"""Evidence: what is told of a match, and of the matches that were left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.event import Event, derived_id
from streams.match.batch import Words
from streams.match.flow import SECOND_MS, Partition, Second
from streams.match.watches import Watch

SOURCE = "match"
CONTRACT = "core.evidence"
LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One observation that matched, in plain numbers; ``None`` for what is unknown."""

    place: Partition
    offset: int
    time: int
    received: int
    lat: float | None
    lon: float | None
    confidence: float | None
    words: Words


def evidence_event(city: str, watch: Watch, kind: str, distance_m: float | None, seen: Sighting) -> Event:
    """Its id is that of watch and observation, so whoever tells it again tells the same."""
    words = seen.words
    value = _common(
        derived_id("evidence", watch.watch_id, words.observation_id), city, seen.time, seen.received, watch
    )
    if seen.lat is not None:
        value["position"] = {"lat": seen.lat, "lon": seen.lon, "accuracy_m": words.accuracy_m}
    topic, partition = seen.place
    value |= {
        "kind": kind,
        "observation_id": words.observation_id,
        "topic": topic,
        "partition": partition,
        "offset": seen.offset,
        "distance_m": distance_m,
        "seconds": (seen.time - watch.since) / SECOND_MS,
        "subject": words.subject,
        "label": words.label,
        "confidence": seen.confidence,
        "count": 1,
    }
    return Event(CONTRACT, watch.situation_id or watch.watch_id, value)


def summary_event(city: str, second: Second) -> Event:
    """How many matches of that second were not told one by one; it stands for the last of them."""
    watch, (topic, partition) = second.watch, second.place
    its_id = derived_id("evidence", watch.watch_id, LEFT_OUT, topic, partition, second.second_ms)
    value = _common(its_id, city, second.second_ms, second.second_ms + SECOND_MS, watch)
    value |= {
        "kind": LEFT_OUT,
        "observation_id": "",
        "topic": topic,
        "partition": partition,
        "offset": second.last_offset,
        "distance_m": None,
        "seconds": (second.second_ms - watch.since) / SECOND_MS,
        "subject": None,
        "label": None,
        "confidence": None,
        "count": second.left_out,
    }
    return Event(CONTRACT, watch.situation_id or watch.watch_id, value)


def _common(event_id: str, city: str, time: int, received: int, watch: Watch) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "city": city,
        "source": SOURCE,
        "event_time": time,
        "event_time_accuracy_s": None,
        "received_time": received,
        "position": None,
        "watch_id": watch.watch_id,
        "situation_id": watch.situation_id,
        "purpose": watch.purpose,
    }
