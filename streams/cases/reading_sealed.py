"""Events of cases read again, after some of the cases are over: their answers are left out, and counted. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.event import Event
from streams.cases.case_table import is_over_for_good
from streams.cases.sealing import opened

COUNTED_MAX = 10_000
REST = "others"


@dataclass(slots=True)
class LeftOut:
    """The number of events that no key opens any more: case → contract → how many."""

    events: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, case_id: str, contract: str) -> None:
        """Count one."""
        its_id = case_id if case_id in self.events or len(self.events) < COUNTED_MAX else REST
        self.events.setdefault(its_id, Counter())[contract] += 1

    def told(self) -> list[str]:
        """A sentence a case."""
        return [
            f"case {case_id}: closed, its key is destroyed; left out: "
            + ", ".join(f"{count} {contract}" for contract, count in sorted(counts.items()))
            for case_id, counts in sorted(self.events.items())
        ]


def left_out_of(cases: Iterable[Mapping[str, Any]], events: Iterable[Event]) -> LeftOut:
    """All of *events* that belongs to a case which is over by the newest row of *cases* (``police.missing``)."""
    newest = {one["case_id"]: one for one in cases}
    over = {one for one, row in newest.items() if is_over_for_good(row)}
    found = LeftOut()
    of_over = (one for one in events if (one.value or {}).get("case_id") in over)
    for _ in readable(of_over, lambda _case_id: None, found):  # what no key seals is nothing of the case
        pass
    return found


def readable(
    events: Iterable[Event], key_of: Callable[[str], bytes | None], left_out: LeftOut
) -> Iterator[Event]:
    """The *events* opened, in their order; those of a case whose key is gone are counted in *left_out* instead."""
    for event in events:
        case_id = (event.value or {}).get("case_id")
        found = opened(event, None if case_id is None else key_of(case_id))
        if found is None:
            left_out.add(str(case_id), event.topic)
        else:
            yield found
