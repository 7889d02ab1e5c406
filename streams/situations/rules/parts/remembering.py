"""The memories of one question to a rule, as they are read and changed while it is answered. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from streams.situations.memory import Memory, name_of, remembered
from streams.situations.rule import City, Draft

Kept = TypeVar("Kept", bound=Struct)


class Remembering:
    """Reads through what it has changed. *now*: the city's clock; before its first tick, the time of what is asked about."""

    def __init__(self, city: City, rule: str, now: int) -> None:
        self.city, self.now = city, now
        self._rule = rule
        self._changed: dict[str, Struct | None] = {}
        self.drafts: list[Draft] = []

    def get(self, key: str, form: type[Kept]) -> Kept | None:
        if key in self._changed:
            found = self._changed[key]
            return found if isinstance(found, form) else None
        return remembered(self.city.memories, self._rule, key, form)

    def _changes(self, memory: Callable[[str, Struct], Memory]) -> tuple[list[Memory], list[str]]:
        """Memories to keep, made by *memory*, and the names of what is to be forgotten."""
        memories: list[Memory] = []
        forgets: list[str] = []
        for key, kept in self._changed.items():
            if kept is not None:
                memories.append(memory(key, kept))
            elif name_of(self._rule, key) in self.city.memories:
                forgets.append(name_of(self._rule, key))
        return memories, forgets
