"""A rule's memory: a typed struct, kept as the JSON that a restart finds. One way to make it, one to read it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct, convert, json

from streams.situations.terms import is_a

Form = TypeVar("Form")


class Memory(Struct, frozen=True, gc=False):
    """One thing that a rule remembers beside its situations, under *key*. Made by ``memory_of``, read by ``read``.

    *wake_at* is when the rule wants ``on_time``. *covers* are kinds that an area alert of *situation_id* now stands for:
    single situations of them are listed beneath it and demand no attention of their own. *watch_id* is a watch that the
    rule has opened for it: the rule is asked about what that finds, and the watch ends with the memory.
    """

    rule: str
    key: str
    body: Mapping[str, Any]
    wake_at: int | None = None
    situation_id: str | None = None
    covers: tuple[str, ...] = ()
    watch_id: str | None = None

    @property
    def name(self) -> str:
        return name_of(self.rule, self.key)

    def read(self, form: type[Form]) -> Form:
        """The body as a *form*. Fields that a row of before does not have get their defaults."""
        return convert(self.body, form)


def only(kind: str) -> str:
    """*kind* among a memory's ``covers``, without the kinds beneath it: their own words demand more."""
    return f"={kind}"


def but(kind: str) -> str:
    """*kind* and those beneath it among a memory's ``covers``, as an exception from the others."""
    return f"!{kind}"


def is_covered(kind: str, covers: Iterable[str]) -> bool:
    """Whether *covers*, those of a memory, stand for *kind*."""
    is_one = False
    for one in covers:
        if one.startswith("!"):
            if is_a(kind, one[1:]):
                return False
        else:
            is_one = is_one or one == only(kind) or is_a(kind, one)
    return is_one


def name_of(rule: str, key: str) -> str:
    return f"{rule}:{key}"


def memory_of(
    rule: str,
    key: str,
    kept: object,
    *,
    wake_at: int | None = None,
    situation_id: str | None = None,
    covers: tuple[str, ...] = (),
    watch_id: str | None = None,
) -> Memory:
    """The memory of *kept*, a struct or a mapping of strings to structs, just as a restart would find it."""
    return Memory(rule, key, json.decode(json.encode(kept)), wake_at, situation_id, covers, watch_id)


def remembered(memories: Mapping[str, Memory], rule: str, key: str, form: type[Form]) -> Form | None:
    """The memory of *rule* under *key* as a *form*; ``None`` without one."""
    memory = memories.get(name_of(rule, key))
    return None if memory is None else memory.read(form)


def beneath(memories: Mapping[str, Memory], rule: str, prefix: str) -> Iterator[tuple[str, Memory]]:
    """Each memory of *rule* whose key begins with *prefix*, with the rest of its key."""
    start = name_of(rule, prefix)
    for name, memory in memories.items():
        if name.startswith(start):
            yield name.removeprefix(start), memory


class OpenedWatch(Struct, frozen=True, gc=False):
    """The memory of a watch that a rule has in the whole city: its last *revision*, and a digest of what it looks for."""

    revision: int
    said: str
