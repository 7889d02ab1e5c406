"""Rows and acts of cases as they are written: a revision under the case's key, and the act that puts it on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol
from uuid import uuid4

from connectors.gateway.case_desk import PURPOSE
from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id, event_fields
from schemas.rows import RowCodec
from streams.cases.case_table import CaseTable, KnownCase
from streams.cases.sealed_fields import sealed_fields
from streams.cases.sealing import opened, sealed

CONTRACT, SOURCE = "police.missing", "gateway"


class Keys(Protocol):
    """The keys of cases (``connectors.transport.case_keys``)."""

    def make(self, case_id: str) -> bytes: ...

    def key(self, case_id: str) -> bytes | None: ...

    def is_destroyed(self, case_id: str) -> bool: ...

    def destroy(self, case_id: str) -> bool: ...


@dataclass(slots=True)
class CaseWriter:
    """Writes of the cases of one city. *record* returns once an act is safe in ``core.access``, *publish* once a row is."""

    city: str
    keys: Keys
    table: CaseTable
    record: Callable[[Mapping[str, Any]], object]
    publish: Callable[[Event], object]
    now_ms: Callable[[], int]
    _name: str = field(default_factory=lambda: uuid4().hex)

    def next(self, known: KnownCase, **changed: Any) -> dict[str, Any]:
        """The next revision of a case."""
        revision = known.row["revision"] + 1
        head = self.head(known.case.case_id, revision)
        return {**known.row, **head, "revision": revision, **changed}

    def head(self, its_id: str, revision: int) -> dict[str, Any]:
        now_ms = self.now_ms()
        # the writer's own: of two rows of one revision each must be told from the other
        event_id = derived_id("missing", self.city, its_id, revision, now_ms, self._name)
        return event_fields(self.city, SOURCE, event_id=event_id, event_time_ms=now_ms, received_ms=now_ms)

    def tell(self, value: dict[str, Any], key: bytes | None) -> None:
        """Publish a revision; without a key only one that has nothing to seal."""
        event = Event(CONTRACT, value["case_id"], value)
        self.publish(event if key is None else sealed(event, key))
        self.table.take(value, is_read=False)

    def act(self, word: str, its_id: str, account_id: str, **about: Any) -> None:
        act = {"act": word, "account_id": account_id, "situation_id": its_id, "purpose": PURPOSE, **about}
        self.record(act)
        self.table.take_act({**act, "at": self.now_ms()})

    def opened(self, known: KnownCase, key: bytes | None) -> KnownCase:
        """*known* opened where it was read before its key was there. ``Fatal`` where the key does not open it."""
        if key is None or known.row["sealed"] is None:
            return known
        event = opened(Event(CONTRACT, known.case.case_id, known.row), key)
        self.table.take((event and event.value) or known.row)
        return self.table.get(known.case.case_id) or known


def bare(value: Mapping[str, Any]) -> dict[str, Any]:
    """*value* without all that belongs under a key."""
    gone = dict.fromkeys(sealed_fields()[CONTRACT].fields)
    return {**value, **gone, "agency_case_no": "", "attributes": [], "sealed": None}


def written(row: Mapping[str, Any]) -> bytes:
    """The bytes of an opened *row* in the log: two rows that read alike there have the same."""
    return _codec().encode(row)


@cache
def _codec() -> RowCodec:
    return RowCodec(load_catalogue()[CONTRACT].newest)
