"""Comparison of today's answers with the recorded ones, byte for byte. Pure: the caller reads them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

NAMED_MAX = 10
NOT_THEN, NOT_NOW, OTHER_BYTES = "not answered then", "answered then, not now", "other bytes than then"

Bytes = tuple[bytes | None, bytes | None]
"""Key, and value after the framing's five bytes."""
Key = bytes | None


@dataclass(slots=True)
class Verdict:
    """The result of a verification. *differences* names the first few records that are not alike."""

    entries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    different: int = 0

    def differs(self, what: str) -> None:
        self.different += 1
        if len(self.differences) < NAMED_MAX:
            self.differences.append(what)


@dataclass(frozen=True, slots=True)
class ReplayedAnswer:
    """An answer that the rules give now. *is_later*: of an entry that was journalled after the comparison began, so that its
    recorded counterpart need not be among those that are compared."""

    contract: str
    sequence: int
    bytes: Bytes
    is_later: bool = False

    @property
    def key(self) -> Key:
        return self.bytes[0]

    @property
    def is_tombstone(self) -> bool:
        return self.bytes[1] is None


Difference = Callable[[Any, Any], str | None]
"""(an answer now, a recorded one) → in which way they differ; ``None`` when they are the same."""


def differing_bytes(now: ReplayedAnswer, recorded: Bytes) -> str | None:
    return None if recorded == now.bytes else OTHER_BYTES


class Now(Protocol):
    """An answer that the rules give now, in whatever form it is compared."""

    @property
    def contract(self) -> str: ...

    @property
    def sequence(self) -> int: ...

    @property
    def is_later(self) -> bool: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def is_tombstone(self) -> bool: ...


class Recorded:
    """The answers of one contract as they were recorded, one by one; read only as far as is asked."""

    def __init__(self, answers: Iterable[Any]) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self._next: list[Any] = []

    def take(self) -> Any | None:
        """The next; ``None`` behind the last."""
        return None if self.is_done() else self._next.pop()

    def is_done(self) -> bool:
        if not self._next:
            self._next.extend(one for one in [next(self._answers, None)] if one is not None)
        return not self._next

    def has_none_for(self, now: Now) -> bool:
        """Whether no recorded answer is left that could match *now*, which is later."""
        return self.is_done()

    def differences(self, now: Now, name: str, difference: Difference) -> list[str]:
        """The differences between *now*, called *name*, and the recorded answers."""
        recorded = self.take()
        what = NOT_THEN if recorded is None else difference(now, recorded)
        return [] if what is None else [f"{name}: {what}"]

    def left(self, contract: str, difference: Difference) -> Iterator[str]:
        """The differences that are there once no answer is left."""
        while self.take() is not None:
            yield f"{contract}: {NOT_NOW}"


@dataclass(slots=True)
class _Missing:
    """The answers of one key that nothing recorded was found for: the first, to name it, and the newest."""

    name: str
    first: Now
    newest: Now


class RecordedTable(Recorded):
    """The answers of a compacted contract, compared key by key. One that a later one of its key replaced may be missing: the
    log need only hold the newest of each key, and no tombstone. They are held in memory, as every reader of such a topic
    holds them."""

    def __init__(self, answers: Iterable[Any], *, key_of: Callable[[Any], bytes | None]) -> None:
        super().__init__(answers)
        self._key_of = key_of
        self._rows: dict[bytes | None, deque[Any]] = {}
        self._missing: dict[bytes | None, _Missing] = {}
        self._is_read = False

    def is_done(self) -> bool:
        self._read()
        return not self._rows

    def has_none_for(self, now: Now) -> bool:
        self._read()
        if now.key in self._rows:
            return False
        self._missing.pop(now.key, None)  # may have been compacted away since
        return True

    def differences(self, now: Now, name: str, difference: Difference) -> list[str]:
        self._read()
        rows = self._rows.get(now.key, deque())
        place = next((i for i, row in enumerate(rows) if difference(now, row) is None), None)
        if place is None:
            missing = self._missing.setdefault(now.key, _Missing(name, now, now))
            missing.newest = now
            return []
        missing_then = self._missing.pop(now.key, None)
        others = [rows.popleft() for _ in range(place + 1)][:-1]
        if not rows:
            del self._rows[now.key]
        return [self._other(row, now.contract, missing_then, difference) for row in others]

    def left(self, contract: str, difference: Difference) -> Iterator[str]:
        self._read()
        for key, rows in self._rows.items():
            missing = self._missing.pop(key, None)
            for row in rows:
                yield self._other(row, contract, missing, difference)
                missing = None
        for missing in self._missing.values():
            if not missing.newest.is_tombstone:
                yield f"{missing.name}: {NOT_THEN}"

    def _other(self, row: Any, contract: str, missing: _Missing | None, difference: Difference) -> str:
        if missing is None:
            return f"{contract}: {NOT_NOW}"
        return f"{missing.name}: {difference(missing.first, row)}"

    def _read(self) -> None:
        if not self._is_read:
            self._is_read = True
            for row in self._answers:
                self._rows.setdefault(self._key_of(row), deque()).append(row)


def held_against(
    answers: Iterable[Any], then: Mapping[str, Recorded], difference: Difference = differing_bytes
) -> Verdict:
    """*answers* (each a ``Now``) in order, each against the next recorded one of its contract.

    What a running city goes on to answer is no difference: answers that are later have a counterpart, or have none yet. They
    are taken for as long as recorded ones are left.
    """
    verdict = Verdict()
    for now in answers:
        recorded = then[now.contract]
        if now.is_later and recorded.has_none_for(now):
            if all(one.is_done() for one in then.values()):
                break
            continue
        verdict.answers[now.contract] += 1
        name = f"{now.contract} #{verdict.answers[now.contract]} (journal {now.sequence})"
        for what in recorded.differences(now, name, difference):
            verdict.differs(what)
    for contract, left in then.items():
        for what in left.left(contract, difference):
            verdict.differs(what)
    return verdict
