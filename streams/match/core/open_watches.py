"""The open watches, from ``core.watch``, and the offset at which each was opened."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from streams.match.core.watches import Watch


@dataclass(frozen=True, slots=True)
class WatchRecord:
    """A record of ``core.watch``. *watch* is ``None`` for a tombstone."""

    offset: int
    watch_id: str
    watch: Watch | None


@dataclass(slots=True)
class OpenWatches:
    """The open watches. *opened*: the offset at which each was opened; *next_offset*: how far the topic is read."""

    watches: dict[str, Watch] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    next_offset: int = 0

    def take(self, told: Iterable[WatchRecord]) -> tuple[list[Watch], list[str]]:
        """Return (put, ended): the newest form of each new or changed watch, and the ids of those that ended."""
        put: dict[str, Watch] = {}
        ended: set[str] = set()
        for one in told:
            self.next_offset = max(self.next_offset, one.offset + 1)
            if one.watch is None:
                if self.watches.pop(one.watch_id, None) is not None:
                    del self.opened[one.watch_id]
                    put.pop(one.watch_id, None)
                    ended.add(one.watch_id)
                continue
            before = self.watches.get(one.watch_id)
            if before == one.watch or (before is not None and one.watch.revision < before.revision):
                continue
            self.watches[one.watch_id] = put[one.watch_id] = one.watch
            # its opening was compacted away: it was open before all that we read, so nothing is looked back
            # for it
            self.opened.setdefault(one.watch_id, one.offset if one.watch.revision == 1 else 0)
        return list(put.values()), sorted(ended)

    def opened_since(self, offset: int) -> list[Watch]:
        """Return the watches opened at *offset* or after it: older observations were not yet compared with them."""
        return [self.watches[name] for name, opened in self.opened.items() if opened >= offset]

    def opened_before(self, offset: int) -> Collection[Watch]:
        if all(opened < offset for opened in self.opened.values()):
            return self.watches.values()
        return [self.watches[name] for name, opened in self.opened.items() if opened < offset]
