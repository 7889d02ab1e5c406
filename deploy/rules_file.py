"""A city's rules as its file has them now: a file that changes is read again while the city runs.

Its modification time is looked at once a second; no signal is needed, so every worker of a city sees the change, on every
machine that has the file. A file that is wrong changes nothing and is told with its line. What was written within the last
second may still be half of it, and waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.city import City, load_city
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
    """What a look found. *rest_waits*: the file changed in more than its rules, which only a restart takes up."""

    before: str
    rules: RulesConfig
    rest_waits: bool


class RulesFile:
    """The rules of *city*, as its file had them when it was last looked at and right."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._seen = _marks(city)
        self._looked_s = 0.0

    def now(self, now_s: float) -> RulesConfig:
        """The rules that hold at *now_s* (epoch seconds); a file that is wrong is passed over."""
        if not 0 <= now_s - self._looked_s < LOOK_S:
            self._looked_s = now_s
            with suppress(BongsuError):  # the worker that takes the rules says what is wrong
                self.look(now_s)
        return self._city.rules

    def look(self, now_s: float) -> Change | None:
        """What has changed since the last look, if anything has. ``UsageFault`` once for each wrong version of the file."""
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
    """A worker's service: hands changed rules to *use*, and says so in one line."""

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
                    "rules refused, those before stay",
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
            log.warning("the city's file changed beside its rules: a restart takes that up")


def _beside_rules(city: City) -> object:
    """All that the file says but its rules and the law that they rest on."""
    return city.file.model_copy(update={"rule": (), "law": ""})


def _marks(city: City) -> Mark:
    return tuple(_mark(path) for path in (city.path, LAWS / f"{city.file.law}.toml"))


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What tells one version of a file from another; ``None`` while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_settled(marks: Mark, now_s: float) -> bool:
    return all(one is not None and abs(now_s - one[0] / 1e9) >= SETTLED_S for one in marks)
