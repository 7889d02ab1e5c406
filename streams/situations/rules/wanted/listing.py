"""The list of wanted vehicles as the rule remembers it: its entries, and those last taken off with when they count again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, convert

from streams.situations.entry import Entry
from streams.situations.memory import Memory, beneath, memory_of, name_of, remembered
from streams.situations.reports.notices import need
from streams.situations.rule import City
from streams.situations.rules.wanted.config import NAME

REMOVED = f"{NAME}-removed"
WANTED_MAX = 5_000
"""So many vehicles may be on the list: a nation has some 200 urgent ones a day."""


class Listed(Struct, frozen=True, gc=False):
    """The memory of one entry. *said* is a digest of what its watch looks for, *revision* the watch's last.

    *heard* is the event time of the newest notice of it, *ends_at* until when it is looked for. *read*, *confirmed* and
    *dismissed* are plates, the oldest first: those read for its situation, and what operators made of them.
    """

    revision: int = 0
    tokens: tuple[str, ...] = ()
    agency: str = ""
    offence: str = ""
    legal_ground: str = ""
    said: str = ""
    heard: int = 0
    ends_at: int | None = None
    source: str = ""
    read: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()


class ListEntry(Struct, frozen=True, gc=False):
    """An entry of the list, with its watch, and the situation while the vehicle is about."""

    entry_id: str
    watch_id: str
    listed: Listed
    wake_at: int | None = None
    situation_id: str | None = None

    def memory(self) -> Memory:
        return memory_of(
            NAME,
            self.entry_id,
            self.listed,
            wake_at=self.wake_at,
            situation_id=self.situation_id,
            watch_id=self.watch_id,
        )


def entry_of(memory: Memory) -> ListEntry:
    """The entry that *memory* keeps. A row of before ``ends_at`` was kept is due then, and at no other time; one of before
    all plates were kept names the one that was read first."""
    body = {"ends_at": memory.wake_at, **memory.body}
    if isinstance(body.get("read"), str):
        body["read"] = [body["read"]]
    listed = convert(body, Listed)
    return ListEntry(memory.key, memory.watch_id or "", listed, memory.wake_at, memory.situation_id)


def known_entry(city: City, entry_id: str) -> ListEntry | None:
    memory = city.memories.get(name_of(NAME, entry_id))
    return None if memory is None else entry_of(memory)


def check_room(city: City, entry: Entry) -> None:
    """``Invalid`` for one vehicle more than the list holds."""
    entry_id = entry.value["entry_id"]
    if entry.value["is_listed"] and name_of(NAME, entry_id) not in city.memories:
        count = sum(1 for _ in beneath(city.memories, NAME, ""))
        need(entry, count < WANTED_MAX, "entry_id", f"at most {WANTED_MAX} vehicles on the list")


# -- what was taken off --------------------------------------------------------------------------------------


def removed_since(city: City, source: str, entry_id: str) -> int:
    """The time from which a listing by *source* counts; rows of before sources were kept bear the entry alone."""
    removed = _removed(city)
    return max(removed.get(_removed_as(source, entry_id), 0), removed.get(entry_id, 0))


def with_removed(city: City, source: str, entry_id: str, since: int, most: int) -> Memory:
    """The memory of the *most* entries last taken off, *entry_id* among them: listed by *source*, it counts again *since*
    then."""
    every = {**_removed(city), _removed_as(source, entry_id): since}
    newest = sorted(every.items(), key=lambda one: (one[1], one[0]))[-most:]
    return memory_of(REMOVED, "", dict(newest))


def _removed(city: City) -> Mapping[str, int]:
    """Source and entry that is no longer looked for → the time from which a listing of it counts."""
    return remembered(city.memories, REMOVED, "", dict[str, int]) or {}


def _removed_as(source: str, entry_id: str) -> str:
    return f"{source}\x1f{entry_id}" if source else entry_id


def without(plates: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in plates if one not in others)
