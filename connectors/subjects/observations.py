"""Measured values of sensors as ``civil.observation``, each told once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.subjects.incidents import OLDER, REMEMBERED
from schemas.event import Event, derived_id, event_fields

TOPIC = "civil.observation"
SAID = "said before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One measured value. *threshold*: from which value on its owner holds it to be dangerous."""

    sensor_id: str
    quantity: str
    value: float
    unit: str | None
    threshold: float | None
    place_name: str | None
    event_ms: int
    accuracy_s: float | None
    position: Mapping[str, Any] | None

    def event(self, context: SourceContext, at_ms: int | None) -> Event:
        said = {
            "sensor_id": self.sensor_id,
            "quantity": self.quantity,
            "value": self.value,
            "unit": self.unit,
            "threshold": self.threshold,
            "place_name": self.place_name,
        }
        identity = (TOPIC, *said.values(), self.event_ms)
        common = event_fields(
            context.city,
            context.source,
            event_id=derived_id(context.city, context.source, *identity),
            event_time_ms=self.event_ms,
            received_ms=self.event_ms if at_ms is None else at_ms,
            position=None if self.position is None else dict(self.position),
            accuracy_s=self.accuracy_s,
        )
        return Event(TOPIC, self.sensor_id, common | said)


def tell_values(
    context: SourceContext,
    heard: Heard,
    place: Place,
    values: Iterable[Value],
    *,
    aside: Sequence[SetAside] = (),
    skipped: Mapping[str, int],
    noted: Mapping[str, int],
) -> Reading:
    """An event for each of *values* that is news of its sensor, earliest first.

    Of each sensor the newest is remembered, with its time: of the same time only another value is news, as a correction.
    """
    newest: dict[str, list[Any]] = dict(place.get("newest", {}))
    events, passed_over, here = [], Counter(skipped), set[str]()
    for one in sorted(values, key=lambda value: value.event_ms):
        here.add(one.sensor_id)
        before = newest.get(one.sensor_id)
        if before is not None and one.event_ms <= before[0]:
            is_same = [one.event_ms, one.value, one.threshold] == before
            if is_same or one.event_ms < before[0]:
                passed_over[SAID if is_same else OLDER] += 1
                continue
        newest.pop(one.sensor_id, None)
        newest[one.sensor_id] = [one.event_ms, one.value, one.threshold]
        events.append(one.event(context, heard.at_ms))
    for oldest in list(newest)[: max(0, len(newest) - len(here) - REMEMBERED)]:
        del newest[oldest]
    kept = {**place, "newest": newest} if events else place
    return Reading(events, kept, aside=aside, skipped=passed_over, noted=noted)
