"""The memories of a city's rules, and the ways to find them: by name, by watch, by the kinds that they cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.situations.memory import Memory, is_covered


@dataclass(slots=True)
class Memories:
    """Memory by name. Rows carry *by_name*; the rest is derived from it.

    *covers* are the names of the memories of area alerts, in order. ``put`` and ``remove`` keep it: it is read with each
    situation that is published, and changes only when an area alert begins or ends.
    """

    by_name: dict[str, Memory] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    _of_watch: dict[str, str] = field(default_factory=dict)

    def put(self, memory: Memory) -> None:
        """Remember *memory* in the place of its former self."""
        name = memory.name
        self.by_name[name] = memory
        if memory.watch_id is not None:
            self._of_watch[memory.watch_id] = name
        self._cover(name, is_covering=bool(memory.covers))

    def remove(self, memory: Memory) -> None:
        """Remember it, and its watch, no longer. ``KeyError`` for one that is unknown."""
        del self.by_name[memory.name]
        self._of_watch.pop(memory.watch_id or "", None)
        self._cover(memory.name, is_covering=False)

    def name_of_watch(self, watch_id: str | None) -> str:
        """The name of the memory that stands for a watch of a rule; empty for a situation's watch or an unknown one."""
        return self._of_watch.get(watch_id or "", "")

    def covering(self, kind: str) -> Iterator[Memory]:
        """The area alerts that now stand for single situations of *kind*."""
        for name in self.covers:
            if is_covered(kind, self.by_name[name].covers):
                yield self.by_name[name]

    def _cover(self, name: str, *, is_covering: bool) -> None:
        if is_covering != (name in self.covers):
            names = {*self.covers, name} if is_covering else {*self.covers} - {name}
            self.covers = tuple(sorted(names))
