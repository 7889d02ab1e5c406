"""Places: the offsets below which all is done, and those above it that are done too. Pure and bounded by its caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class TopicPlace:
    """The place of one receiver in one topic.

    *read_to*: the next offset to be offered. An offset is open from ``begin`` to ``end``; offsets begin in order and end in
    any. *known*: offsets that an earlier process ended; they are not begun again.
    """

    read_to: int
    known: set[int] = field(default_factory=set)
    _begun: deque[int] = field(default_factory=deque)
    _ended: set[int] = field(default_factory=set)

    @property
    def next_offset(self) -> int:
        """The offset below which all is done."""
        return self._begun[0] if self._begun else self.read_to

    @property
    def done_above(self) -> list[int]:
        """The offsets above ``next_offset`` that are done, in order."""
        return sorted(self._ended | {one for one in self.known if one >= self.next_offset})

    @property
    def ahead(self) -> int:
        """The count of offsets that are done above the place."""
        return len(self._ended)

    def skip_to(self, next_offset: int) -> None:
        """Nothing below *next_offset* is to be delivered that was not begun."""
        self.read_to = max(self.read_to, next_offset)
        self.known = {one for one in self.known if one >= self.read_to}

    def begin(self, offset: int) -> bool:
        """Open *offset*, the next one that is wanted; ``False`` where it was done before."""
        if offset < self.read_to:
            return False
        was_done = offset in self.known
        self._begun.append(offset)
        self.read_to = offset + 1
        self.known.discard(offset)
        if was_done:
            self.end(offset)
        return not was_done

    def end(self, offset: int) -> None:
        """Close *offset*, which was begun."""
        self._ended.add(offset)
        while self._begun and self._begun[0] in self._ended:
            self._ended.discard(self._begun.popleft())

    def again(self) -> TopicPlace:
        """The same place for reading from it again: what is open is read again."""
        return TopicPlace(self.next_offset, set(self.done_above))


def place_at(next_offset: int, done_above: Collection[int] = ()) -> TopicPlace:
    """The place as an earlier process left it."""
    return TopicPlace(next_offset, set(done_above))
