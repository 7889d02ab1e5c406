"""Cases of systems that say beforehand until when they last: warnings, road situations. Pure.

What still lasts is remembered with its end, so that it is closed at the first body that is heard after that end, whether
the body speaks of it or not. A body without a time of arrival ends only what its system wrote after that end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.subjects.incidents import OLDER, Case, tell
from schemas.parts import Known

LASTING_MAX = 2_000
"""Cases remembered that have not ended: more warnings than a country has in force at once. A place is written with every
poll; one that is forgotten is not closed at its end."""
OVER = "ended before it was heard"
EXPIRED = "expired"


class Lasting:
    """The cases of one body, in the order in which their system wrote them."""

    def __init__(self, context: SourceContext, heard: Heard, place: Place) -> None:
        self._context, self._heard, self._place = context, heard, place
        self._open: dict[str, list[Any]] = dict(place.get("open", {}))
        self._cases: list[Case] = []
        self._said: dict[str, int] = {}
        self.skipped, self.noted = Counter[str](), Counter[str]()

    def number(self, key: str) -> str | None:
        """The case number under which the case of that key was told, while it lasts."""
        return str(self._open[key][1]["number"]) if key in self._open else None

    def say(self, case: Case, until_ms: int | None) -> None:
        """Add *case*, which lasts until then; ``None``: until somebody says so."""
        key = case.key
        if self._is_old(case):
            self.skipped[OLDER] += 1
            return
        if self._is_past(until_ms, case.said_ms):
            if not self.knows(key):
                self.skipped[OVER] += 1
                return
            if case.status != "closed":
                case = replace(case, status="closed", closed_reason=EXPIRED)
        self._cases.append(case)
        if case.said_ms is not None:
            self._said[key] = case.said_ms
        self._open.pop(key, None)
        if case.status != "closed":
            self._open[key] = [until_ms, _kept(case)]

    def end(self, key: str, reason: str, *, said_ms: int) -> bool:
        """Close the case of that key as its system says at *said_ms*. False where none is open that is not newer."""
        if key not in self._open:
            return False
        case = _case_of(self._open[key][1])
        if case.said_ms is not None and case.said_ms > said_ms:
            return False
        del self._open[key]
        self._cases.append(replace(case, status="closed", closed_reason=reason, said_ms=said_ms))
        self._said[key] = said_ms
        return True

    def left(self, keys: set[str], reason: str) -> None:
        """Close all that is open but *keys*: what a whole list no longer holds."""
        for key in [one for one in self._open if one not in keys]:
            case = _case_of(self._open.pop(key)[1])
            self._cases.append(replace(case, status="closed", closed_reason=reason))

    def reading(self, aside: Sequence[SetAside] = (), kept: Mapping[str, Any] | None = None) -> Reading:
        """The events, with what ended meanwhile. *kept*: what else the source remembers in its place."""
        for key, (until_ms, said) in list(self._open.items()):
            if self._is_past(until_ms):
                del self._open[key]
                self._cases.append(replace(_case_of(said), status="closed", closed_reason=EXPIRED))
        for oldest in list(self._open)[: max(0, len(self._open) - LASTING_MAX)]:
            del self._open[oldest]
            self.noted["more last than are remembered: one will not be closed at its end"] += 1
        told = tell(
            self._context,
            self._heard,
            self._place,
            self._cases,
            aside=aside,
            skipped=self.skipped,
            noted=self.noted,
        )
        changed = {"open": self._open} if self._open != self._place.get("open", {}) else {}
        changed |= {name: value for name, value in (kept or {}).items() if value != self._place.get(name)}
        return replace(told, place={**told.place, **changed}) if changed else told

    def _is_past(self, until_ms: int | None, said_ms: int | None = None) -> bool:
        """Whether that end has come: by the body's clock, or when the case was written."""
        return until_ms is not None and until_ms <= max(self._heard.at_ms or 0, said_ms or 0)

    def knows(self, key: str) -> bool:
        """Whether the case of that key was told, as far as that is remembered."""
        return key in self._open or key in self._place.get("told", {}) or key in self._said

    def _is_old(self, case: Case) -> bool:
        """Whether its system has written something newer of it, even if that said nothing new but its end."""
        told, lasts = self._place.get("told", {}).get(case.key, ()), self._open.get(case.key)
        newest_ms = max(
            self._said.get(case.key, 0),
            told[3] if len(told) > 3 else 0,
            0 if lasts is None else lasts[1].get("said_ms", 0),
        )
        return case.said_ms is not None and case.said_ms < newest_ms


def _kept(case: Case) -> dict[str, Any]:
    """*case* as JSON, without what is at its default."""
    fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
    position = None if case.position is None else dict(case.position)
    fields |= {"kind": list(case.kind), "position": position, "units": list(case.units)}
    fields["warning"] = None  # its area may be large, and its end says nothing of it
    fields["identity"] = list(case.identity)
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _case_of(kept: Mapping[str, Any]) -> Case:
    lists = {name: tuple(kept[name]) for name in ("units", "identity") if name in kept}
    return Case(**{**kept, **lists, "kind": Known(*kept["kind"])})
