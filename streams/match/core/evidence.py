"""Evidence: the events published of matches, and of matches that were left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.event import Event, derived_id, event_fields
from streams.match.core.flow import SECOND_MS, Partition, Second
from streams.match.core.observations import Floats, Longs, Rows
from streams.match.core.texts import RowTexts, Texts, known
from streams.match.core.watches import Watch

SOURCE = "match"
CONTRACT = "core.evidence"
LEFT_OUT = "left_out"
CERTAIN, POSSIBLE = "certain", "possible"


class Evidence(NamedTuple):
    """A match of one observation with one watch, in plain values; ``None`` for unknown ones.

    *kind*: ``seen``, ``entered``, ``inside`` or ``left``. *place* and *offset*: the observation's partition and offset.
    *certainty*: possible where the height is not known well enough.
    """

    watch: Watch
    kind: str
    distance_m: float | None
    place: Partition
    offset: int
    time: int
    received: int
    lat: float | None
    lon: float | None
    confidence: float | None
    words: RowTexts
    certainty: str = CERTAIN

    @property
    def event_id(self) -> str:
        """The id, derived from watch and observation: publishing the match again gives the same id."""
        return derived_id("evidence", self.watch.watch_id, self.words.observation_id)

    @property
    def key(self) -> str:
        return self.watch.situation_id or self.watch.watch_id

    @property
    def seconds(self) -> float:
        return (self.time - self.watch.since) / SECOND_MS


@dataclass(frozen=True, slots=True)
class EvidenceColumns:
    """The evidence of one batch, row by row: the columns of `Evidence`, NaN for unknown. *place*: an index
    into *places*. It refers to no memory of the batch.
    """

    watch: Sequence[Watch]
    kind: Sequence[str]
    distance_m: Floats
    places: Sequence[Partition]
    place: npt.NDArray[np.uint8]
    offset: Longs
    time: Longs
    received: Longs
    lat: Floats
    lon: Floats
    confidence: npt.NDArray[np.float32]
    texts: Texts
    is_sure: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.watch)

    def take(self, rows: Rows) -> EvidenceColumns:
        chosen = rows.tolist()
        return EvidenceColumns(
            [self.watch[row] for row in chosen],
            [self.kind[row] for row in chosen],
            self.distance_m[rows],
            self.places,
            self.place[rows],
            self.offset[rows],
            self.time[rows],
            self.received[rows],
            self.lat[rows],
            self.lon[rows],
            self.confidence[rows],
            self.texts.take(rows),
            self.is_sure[rows],
        )

    def each(self) -> Iterator[Evidence]:
        """Yield each row with its texts."""
        columns = zip(
            self.watch,
            self.kind,
            self.distance_m.tolist(),
            self.place.tolist(),
            self.offset.tolist(),
            self.time.tolist(),
            self.received.tolist(),
            self.lat.tolist(),
            self.lon.tolist(),
            self.confidence.tolist(),
            self.texts.words(),
            self.is_sure.tolist(),
            strict=True,
        )
        for watch, kind, metres, place, offset, time, received, lat, lon, likely, words, is_sure in columns:
            yield Evidence(
                watch,
                kind,
                known(metres),
                self.places[place],
                offset,
                time,
                received,
                known(lat),
                known(lon),
                known(likely),
                words,
                CERTAIN if is_sure else POSSIBLE,
            )


def evidence_event(city: str, one: Evidence) -> Event:
    """Return the event of ``core.evidence``."""
    value = _beginning(one.event_id, city, one.time, one.received, one.watch)
    if one.lat is not None:
        value["position"] = {"lat": one.lat, "lon": one.lon, "accuracy_m": one.words.accuracy_m}
    topic, partition = one.place
    value |= {
        "kind": one.kind,
        "observation_id": one.words.observation_id,
        "topic": topic,
        "partition": partition,
        "offset": one.offset,
        "distance_m": one.distance_m,
        "seconds": one.seconds,
        "subject": one.words.subject,
        "label": one.words.label,
        "confidence": one.confidence,
        "count": 1,
        "seen_by": one.words.seen_by,
        "image_ref": one.words.image_ref,
        "certainty": one.certainty,
    }
    return Event(CONTRACT, one.key, value)


def summary_event(city: str, second: Second) -> Event:
    """Return the event that counts the matches left out in a second. Its offset is that of the last of them."""
    watch, (topic, partition) = second.watch, second.place
    its_id = derived_id("evidence", watch.watch_id, LEFT_OUT, topic, partition, second.second_ms)
    value = _beginning(its_id, city, second.second_ms, second.second_ms + SECOND_MS, watch)
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
        "seen_by": None,
        "image_ref": None,
        "certainty": CERTAIN,
    }
    return Event(CONTRACT, watch.situation_id or watch.watch_id, value)


def _beginning(event_id: str, city: str, time: int, received: int, watch: Watch) -> dict[str, Any]:
    return event_fields(city, SOURCE, event_id=event_id, event_time_ms=time, received_ms=received) | {
        "watch_id": watch.watch_id,
        "situation_id": watch.situation_id,
        "purpose": watch.purpose,
    }
