"""Today's answers against those that were recorded, byte for byte. Pure: who reads them hands them over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

NAMED_MAX = 10

Bytes = tuple[bytes | None, bytes | None]
"""Key, and value after the framing's five bytes."""


@dataclass(slots=True)
class Verdict:
    """What a verification found. *differences* names the first few records that are not alike."""

    entries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    different: int = 0

    def differs(self, what: str) -> None:
        self.different += 1
        if len(self.differences) < NAMED_MAX:
            self.differences.append(what)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the rules give now. *is_later*: of an entry that was journalled after the comparison began, so that its
    recorded counterpart need not be among those that are compared."""

    contract: str
    sequence: int
    bytes: Bytes
    is_later: bool = False


class Recorded:
    """The answers of one contract as they were recorded, one by one; read only as far as is asked."""

    def __init__(self, answers: Iterable[Bytes]) -> None:
        self._answers: Iterator[Bytes] = iter(answers)
        self._next: list[Bytes] = []

    def take(self) -> Bytes | None:
        """The next; ``None`` behind the last."""
        return None if self.is_done() else self._next.pop()

    def is_done(self) -> bool:
        if not self._next:
            self._next.extend(one for one in [next(self._answers, None)] if one is not None)
        return not self._next


def held_against(answers: Iterable[Answer], then: Mapping[str, Recorded]) -> Verdict:
    """*answers* in order, each against the next recorded one of its contract.

    What a running city goes on to answer is no difference: answers that are later have a counterpart, or have none yet. They
    are taken for as long as recorded ones are left.
    """
    verdict = Verdict()
    for now in answers:
        recorded = then[now.contract].take()
        if recorded is None and now.is_later:
            if all(one.is_done() for one in then.values()):
                break
            continue
        verdict.answers[now.contract] += 1
        name = f"{now.contract} #{verdict.answers[now.contract]} (journal {now.sequence})"
        if recorded is None:
            verdict.differs(f"{name}: not answered then")
        elif recorded != now.bytes:
            verdict.differs(f"{name}: other bytes than then")
    for contract, left in then.items():
        while left.take() is not None:
            verdict.differs(f"{contract}: answered then, not now")
    return verdict
