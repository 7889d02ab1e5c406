"""The progress of a source: the data published so far, so that none is published twice.

Data with a clock is remembered as spans of time, each with the source's own place at its end: a live source
has one; a recording older than all spans begins another. A file without a clock is remembered by its digest,
a push by its number in the gateway's spool.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from connectors.base import Heard, Place
from schemas.errors import Invalid

SPANS_MAX = 4
FILES_MAX = 64
SPOOLS_MAX = 4
ALL_DONE = -1


@dataclass(frozen=True, slots=True)
class Span:
    """Data from *from_ms* to *to_ms* is published; *place* is the source's own place at its end."""

    from_ms: int
    to_ms: int
    place: Place


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """The published data of a source.

    *spans*: in order of time. *files*: digest → number of events done (-1: all), the newest file last.
    *spools*: a spool's id → the number up to which it is published.

    Beyond ``SPANS_MAX`` spans and ``FILES_MAX`` files the oldest are forgotten: if played again, they are
    published again.
    """

    spans: tuple[Span, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    file_place: Place = field(default_factory=dict)
    spools: Mapping[str, int] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """The source's own place at its newest data."""
        return self.spans[-1].place if self.spans else self.file_place

    @property
    def heard_at_ms(self) -> int | None:
        return self.spans[-1].to_ms if self.spans else None

    def has_heard(self, heard: Heard, digest: str) -> bool:
        """Return whether all of *heard* was published before."""
        if heard.at_ms is None:
            return self.files.get(digest) == ALL_DONE
        number = self._span_of(heard.at_ms)
        return number is not None and heard.at_ms <= self.spans[number].to_ms

    def place_for(self, heard: Heard) -> Place:
        """Return the source's own place just before *heard*."""
        if heard.at_ms is None:
            return self.file_place
        number = self._span_of(heard.at_ms)
        return {} if number is None else self.spans[number].place

    def after_moment(self, at_ms: int, place: Place) -> SourcePlace:
        """Return the progress after data of *at_ms*; *place* is the source's own place then."""
        number = self._span_of(at_ms)
        if number is None:
            kept = self.spans[-(SPANS_MAX - 1) :]
            return replace(self, spans=(Span(at_ms, at_ms, place), *kept))
        longer = replace(self.spans[number], to_ms=at_ms, place=place)
        return replace(self, spans=(*self.spans[:number], longer, *self.spans[number + 1 :]))

    def after_file(self, digest: str, done: int, place: Place) -> SourcePlace:
        """Return the progress after *done* events of the file *digest*."""
        others = {known: count for known, count in self.files.items() if known != digest}
        newest = dict([*others.items(), (digest, done)][-FILES_MAX:])
        return replace(self, files=newest, file_place=place)

    def after_push(self, spool: str, number: int, at_ms: int, place: Place) -> SourcePlace:
        """Return the progress after push *number* of *spool*. A clock that was set back is ignored."""
        after = self.after_moment(max(at_ms, self.heard_at_ms or 0), place)
        others = {known: up_to for known, up_to in self.spools.items() if known != spool}
        return replace(after, spools=dict([*others.items(), (spool, number)][-SPOOLS_MAX:]))

    def with_place(self, heard: Heard, place: Place) -> SourcePlace:
        """Return it with another place of the source where *heard* belongs; nothing more counts as published."""
        if heard.at_ms is None:
            return replace(self, file_place=place)
        number = self._span_of(heard.at_ms)
        if number is None:
            return self
        mended = replace(self.spans[number], place=place)
        return replace(self, spans=(*self.spans[:number], mended, *self.spans[number + 1 :]))

    def _span_of(self, at_ms: int) -> int | None:
        """Return the index of the span that *at_ms* lies in or extends; ``None`` if it lies before all."""
        number = bisect_right([span.from_ms for span in self.spans], at_ms) - 1
        return None if number < 0 else number


def body_of(standing: SourcePlace) -> bytes:
    """Return the progress as ``source.place`` keeps it."""
    return orjson.dumps(
        {
            "spans": [[span.from_ms, span.to_ms, span.place] for span in standing.spans],
            "files": [[digest, done] for digest, done in standing.files.items()],
            "place": standing.file_place,
            "spools": [[spool, number] for spool, number in standing.spools.items()],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def standing_from(body: bytes) -> SourcePlace:
    """Read the result of ``body_of``."""
    kept: dict[str, Any] = orjson.loads(body)
    spans = tuple(Span(*span) for span in kept["spans"])
    return SourcePlace(spans, dict(kept["files"]), kept["place"], dict(kept.get("spools", ())))


def check_place(_source: str, row: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` for a row of ``source.place`` that cannot be read."""
    try:
        standing_from(row["place"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid("no progress of a source", field="place", expected="what an ingest wrote") from error
