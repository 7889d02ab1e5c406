"""Bodies without a record: they are counted; nothing is closed or set aside for them.

The one guard of every source: ``found.load_source`` puts it before ``read``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from connectors.base import Heard, Place, PolledSource, Reading, Source
from connectors.formats.retained import read_unrepeated

NOTHING = "body without a record"
_NOTHING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\]\s*)?")


class Nothing(Exception):
    """A body that is whole and holds no record: an empty list, a heading alone."""


class Guarded:
    """A source whose ``read`` is called only with a body that holds something; all else is the source's own."""

    def __init__(self, source: Source | PolledSource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, heard: Heard, place: Place) -> Reading:
        """As ``Reader.read``. A poll that failed is not counted here; what one did not hear is noted."""
        if heard.error is not None:
            return Reading((), place)
        reading = read_unrepeated(self._read, heard, place)
        return reading if not heard.missing else replace(reading, noted=_with_missing(reading.noted, heard))

    def _read(self, heard: Heard, place: Place) -> Reading:
        if _NOTHING.fullmatch(heard.body):
            return Reading((), place, skipped={NOTHING: 1})
        try:
            return self._source.read(heard, place)
        except Nothing:
            return Reading((), place, skipped={NOTHING: 1})


def _with_missing(noted: Mapping[str, int], heard: Heard) -> dict[str, int]:
    return dict(noted) | {f"not heard: {one}": 1 for one in heard.missing}


def guarded(source: Source | PolledSource) -> Source | PolledSource:
    """*source* behind the guard."""
    return cast("Source | PolledSource", Guarded(source))
