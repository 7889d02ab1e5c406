"""One event's value as a row of observations, and as texts: the reference for every faster reader. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streams.match.core.codes import code_of, joined
from streams.match.core.forms import FORMS, TOPICS, Form
from streams.match.core.observations import CERTAIN, Observations
from streams.match.core.texts import RowTexts


def words_of(form: Form, value: Mapping[str, Any]) -> RowTexts:
    """Return the texts of one observation."""
    place = value["position"]
    return RowTexts(
        value["event_id"],
        value["source"],
        form.label_of(value),
        value[form.token] if form.token else None,
        form.subject_of(value),
        place["accuracy_m"] if place is not None else None,
        value[form.seen_by] if form.seen_by else None,
        value[form.image_ref] if form.image_ref else None,
    )


def fill(seen: Observations, row: int, value: Mapping[str, Any], form: Form) -> None:
    """Fill one row from its value, with the same result as the kernel."""
    place = value["position"]
    seen.topic[row] = TOPICS[form.contract]
    seen.lat[row], seen.lon[row] = (np.nan, np.nan) if place is None else (place["lat"], place["lon"])
    seen.time[row], seen.received[row] = value["event_time"], value["received_time"]
    seen.label[row] = code_of(form.label_of(value))
    seen.token[row] = _code(value[form.token] if form.token else None)
    seen.subject[row] = _subject([value[name] for name in form.subject])
    confidence = CERTAIN if form.confidence is None else value[form.confidence]
    seen.confidence[row] = np.nan if confidence is None else confidence
    with np.errstate(over="ignore"):  # a height beyond 32 bits is infinite, as in the kernel
        for number, name in enumerate(form.heights):
            seen.heights[row, number] = np.nan if value[name] is None else value[name]


def thing_of(contract: str, seen_by: str | None, subject: str) -> int:
    """Return the code of a thing of that contract by its name and, where that is a device's own, the device; 0 if none."""
    if contract not in TOPICS:
        return 0
    form = FORMS[TOPICS[contract]]
    return _subject([subject] if len(form.subject) == 1 else [seen_by, subject])


def _code(word: str | None) -> int:
    return 0 if word is None else code_of(word)


def _subject(words: list[str | None]) -> int:
    codes = [np.array([_code(word)], np.uint64) for word in words]
    total = codes[0]
    for one in codes[1:]:
        total = joined(total, one)
    return int(total[0])
