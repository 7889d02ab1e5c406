"""A recorded log in memory (``connectors.gateway.recorded_log.RecordedLog``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.live_place import NUMBER, Place
from connectors.gateway.recorded_log import RecordedEvent, RecordedPage
from schemas.errors import Retriable


@dataclass
class MemoryRecordedLog:
    """Holds all that was written, in order; *kept_from*: as if what is before it had been deleted."""

    events: list[RecordedEvent] = field(default_factory=list)
    kept_from: int | None = None
    is_away: bool = False

    def kept_from_ms(self) -> int | None:
        if self.is_away:
            raise Retriable("Kafka unavailable")
        return self.kept_from

    def page(self, from_ms: int, to_ms: int, after: Place | None, count: int) -> RecordedPage:
        place, found = after or Place((0, 0, 0)), list[RecordedEvent]()
        at = dict.fromkeys(NUMBER, 0)
        for event in self.events:
            number, offset = NUMBER[event.contract], at[event.contract]
            at[event.contract] += 1
            if offset < place.offsets[number] or not from_ms <= event.at_ms < to_ms:
                continue
            if len(found) == count:
                return RecordedPage(found, place)
            found.append(event)
            place = place.after(number, offset)
        return RecordedPage(found, None)

    def standing(self, at_ms: int) -> Sequence[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for event in self.events:
            if event.contract == "core.situation" and event.at_ms < at_ms:
                found[event.value["situation_id"]] = event.value
        return [one for one in found.values() if one["status"] != "closed"]
