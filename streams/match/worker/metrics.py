"""The metrics of the match's worker."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from streams import metrics
from streams.log import log
from streams.match.core.batch import ObservationBatch
from streams.match.core.evidence import CONTRACT
from streams.match.core.look_back_room import shortage
from streams.match.core.step import Found, Match
from streams.match.worker.reader import Reader, fast_topics

SHOWN_EVERY_S = 1.0


class MatchMetrics:
    """Counts each batch and result at once; sets gauges once a second."""

    def __init__(self, city: str, group: str) -> None:
        self._city = city
        self._group = group
        self._shown = 0.0
        self._dropped = 0
        self._is_short = False
        metrics.matches.labels(group)  # a counter that is not there cannot be told from one that stands still
        metrics.events_put.labels(group, CONTRACT)
        for topic in fast_topics(city):
            metrics.records_taken.labels(group, topic)
        self._newest_ms = 0.0
        metrics.lag_seconds.labels(group).set_function(self._lag_s)

    def _lag_s(self) -> float:
        """Return the lag, computed at each scrape: that of a match that hangs grows."""
        return max(0.0, time.time() - self._newest_ms / 1000) if self._newest_ms else 0.0

    def batch(self, batch: ObservationBatch) -> None:
        for topic, count in _by_topic(batch).items():
            metrics.records_taken.labels(self._group, topic).inc(count)
        metrics.bytes_taken.labels(self._group).inc(batch.nbytes_read)
        metrics.batch_records.labels(self._group).observe(len(batch))

    def found(self, found: Found) -> None:
        if found.matches:
            metrics.matches.labels(self._group).inc(found.matches)
        if found.evidence:
            metrics.events_put.labels(self._group, CONTRACT).inc(sum(map(len, found.evidence)))
        for source, count in found.late.items():
            metrics.late.labels(self._city, source).inc(count)

    def now(self, match: Match, reader: Reader) -> None:
        """Set the gauges; at most once a second."""
        if time.monotonic() - self._shown < SHOWN_EVERY_S:
            return
        self._shown = time.monotonic()
        self._show_lag(match, reader)
        recent = match.recent
        metrics.watches_open.labels(self._group).set(match.engine.watches)
        metrics.look_back_rows.labels(self._group).set(recent.rows)
        metrics.look_back_bytes.labels(self._group).set(recent.nbytes)
        metrics.look_back_dropped.labels(self._group).inc(recent.dropped - self._dropped)
        self._dropped = recent.dropped
        metrics.look_back_seconds.labels(self._group).set(recent.held_ms(match.watermarks.newest) / 1000)
        self._warn_of_shortage(match)

    def _warn_of_shortage(self, match: Match) -> None:
        """Log once when the look-back becomes too long for its memory."""
        short = shortage(match.recent, match.watermarks.newest)
        if short is not None and not self._is_short:
            log.warning(
                "look_back_s cannot be held at this rate: raise look_back_mb under [match], or run more processes",
                stage=self._group,
                holds_s=short.holds_s,
                look_back_s=short.asked_s,
                wanted_mb=short.wanted_mb,
            )
        self._is_short = short is not None

    def _show_lag(self, match: Match, reader: Reader) -> None:
        behind: Counter[str] = Counter()
        newest_ms = 0.0
        for place, standing in match.standings().items():
            end = reader.end_of(place)
            lag = max(0, end - standing.next_offset) if end is not None else 0
            behind[place[0]] += lag
            if lag and standing.watermark_ms:
                newest_ms = min(newest_ms or standing.watermark_ms, standing.watermark_ms)
        for topic, count in behind.items():
            metrics.lag_records.labels(self._group, topic).set(count)
        self._newest_ms = newest_ms


def _by_topic(batch: ObservationBatch) -> Counter[str]:
    counts: Counter[str] = Counter()
    each = np.bincount(batch.place, minlength=len(batch.places)).tolist()
    for place, count in zip(batch.places, each, strict=True):
        counts[place[0]] += count
    return counts
