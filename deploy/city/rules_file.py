"""Reload a city's rules when its file changes, while the city runs.

The modification time is read once a second. No signal is needed, so every worker of a city sees the change, on every machine
that has the file. A wrong file changes nothing and is logged with its line. A file modified within the last second may be
incomplete, and is read at the next look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.city.city import City, load_city
from deploy.faults import UsageFault
from deploy.laws import LAWS
from schemas.errors import BongsuError
from streams.log import log
from streams.situations.config import RulesConfig

LOOK_S = 1.0
SETTLED_S = 1.0
Mark = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the file. *rest_waits*: more than its rules changed, which takes effect only at a restart."""

    before: str
    rules: RulesConfig
    rest_waits: bool


class RulesFile:
    """The rules of *city* by the last valid version of its file."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._seen = _marks(city)
        self._looked_s = 0.0

    def now(self, now_s: float) -> RulesConfig:
        """The rules at *now_s* (epoch seconds). A wrong file is ignored."""
        if not 0 <= now_s - self._looked_s < LOOK_S:
            self._looked_s = now_s
            with suppress(BongsuError):  # the worker's RulesWatch logs the fault
                self.look(now_s)
        return self._city.rules

    def look(self, now_s: float) -> Change | None:
        """The change since the last look, if any. ``UsageFault`` once for each wrong version of the file."""
        marks = _marks(self._city)
        if marks == self._seen or not _is_settled(marks, now_s):
            return None
        self._seen = marks
        before, after = self._city, load_city(str(self._city.path))
        if after.name != before.name:
            raise UsageFault(
                f"{after.path}: the city is called '{after.name}' now",
                hint=f"name it '{before.name}' again: a city keeps its name as long as it runs",
            )
        self._city = after
        rest_waits = _beside_rules(after) != _beside_rules(before)
        if after.rules.digest == before.rules.digest and not rest_waits:
            return None
        return Change(before.rules.digest, after.rules, rest_waits)


class RulesWatch:
    """A worker's service: passes changed rules to *use*, and logs that in one line."""

    name = "rules"
    is_ready = True

    def __init__(self, city: City, use: Callable[[RulesConfig], None]) -> None:
        self._file = RulesFile(city)
        self._use = use

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                change = await asyncio.to_thread(self._file.look, time.time())
            except BongsuError as error:
                log.error(
                    "rules refused, the old ones stay in force",
                    why=" ".join(error.what.split()),
                    how_to_mend=error.hint,
                )
                continue
            if change is not None:
                self._take(change)

    def _take(self, change: Change) -> None:
        after = change.rules.digest
        if after != change.before:
            self._use(change.rules)
            log.info("rules changed", from_numbers=change.before[:8], to_numbers=after[:8])
        if change.rest_waits:
            log.warning("the city's file changed in more than its rules: restart to apply that")


def _beside_rules(city: City) -> object:
    """All of the file except its rules and the law."""
    return city.file.model_copy(update={"rule": (), "law": ""})


def _marks(city: City) -> Mark:
    return tuple(_mark(path) for path in (city.path, LAWS / f"{city.file.law}.toml"))


def _mark(path: Path) -> tuple[int, int, int] | None:
    """A value that differs between versions of a file; ``None`` while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_settled(marks: Mark, now_s: float) -> bool:
    return all(one is not None and abs(now_s - one[0] / 1e9) >= SETTLED_S for one in marks)
