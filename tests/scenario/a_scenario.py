"""A scenario: a city, its events by the clock, and the expected answers; read from a file.

README.md in this folder describes the form of a file. Everything goes through the real ``streams.situations.fold.step``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from deploy.laws import law_named
from streams.situations.config import RulesConfig
from streams.situations.rules.in_force import CityRules

HERE = Path(__file__).parent
DAY = datetime(2024, 6, 3)  # noqa: DTZ001 (a city's own clock; a Monday)
_CLOCK = re.compile(r"(?:day (\d+) )?(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{3})?)?")
_LATER = re.compile(r"\+\s*(\d+(?:\.\d+)?)\s*(s|min|h|days?)")
_UNITS_MS = {"s": 1_000, "min": 60_000, "h": 3_600_000, "day": 86_400_000, "days": 86_400_000}
KNOWN = {"says", "row", "city", "events", "situation", "also", "nowhere", "under"}


class Wrong(Exception):
    """A scenario that cannot be read: the file, and the fault."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. *under*: the name of the file's ``[[under]]``, or "". *nowhere*: words that no answer may hold."""

    name: str
    says: str
    under: str
    config: RulesConfig
    events: tuple[Mapping[str, Any], ...]
    situations: tuple[Mapping[str, Any], ...]
    also: tuple[Mapping[str, Any], ...]
    nowhere: tuple[str, ...]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.timezone)

    def at(self, said: str, before_ms: int | None = None) -> int:
        """``22:00``, ``22:00:10``, ``day 2 06:00`` of the city's clock, or ``+90 s`` after *before_ms*."""
        later = _LATER.fullmatch(said)
        if later and before_ms is not None:
            return before_ms + round(float(later[1]) * _UNITS_MS[later[2]])
        clock = _CLOCK.fullmatch(said)
        if clock is None:
            raise Wrong(f"{self.name}: {said!r} is no time; write 22:00:10, day 2 06:00 or +90 s")
        day, hour, minute, second, milli = clock.groups()
        since = timedelta(
            days=int(day or 1) - 1, hours=int(hour), minutes=int(minute), seconds=float(second or "0")
        )
        moment = (DAY + since).replace(tzinfo=self.zone)
        return round(moment.timestamp() * 1000) + round(float(milli or 0) * 1000)

    def clock(self, time_ms: int) -> str:
        """The inverse of ``at``, in the shortest form."""
        whole, milli = divmod(time_ms, 1000)
        moment = datetime.fromtimestamp(whole, self.zone).replace(tzinfo=None)
        day = (moment.date() - DAY.date()).days + 1
        words = f"{moment:%H:%M:%S}" if moment.second or milli else f"{moment:%H:%M}"
        return ("" if day == 1 else f"day {day} ") + words + (f".{milli:03d}" if milli else "")


def scenarios() -> list[Scenario]:
    """All scenarios of this folder."""
    return [one for path in sorted(HERE.glob("*.toml")) for one in read(path)]


def read(path: Path) -> list[Scenario]:
    return list(scenarios_of(path.stem, tomllib.loads(path.read_text(encoding="utf-8"))))


def scenarios_of(name: str, raw: Mapping[str, Any]) -> Iterator[Scenario]:
    """The file's scenario, or one for each ``[[under]]``: its settings override the file's, its answers are its own."""
    if unknown := raw.keys() - KNOWN:
        raise Wrong(f"{name}: unknown words {sorted(unknown)}; there are {sorted(KNOWN)}")
    for under in raw.get("under", [{}]):
        yield Scenario(
            name=name,
            says=raw["says"],
            under=under.get("name", ""),
            config=config_of({**raw.get("city", {}), **under.get("city", {})}),
            events=tuple(_refusing(raw["events"], under.get("refused", {}))),
            situations=tuple(under.get("situation", raw.get("situation", ()))),
            also=tuple(under.get("also", raw.get("also", ()))),
            nowhere=tuple(raw.get("nowhere", ())),
        )


def _refusing(events: Sequence[Mapping[str, Any]], refused: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """*events*, where those at the times of *refused* must be set aside for that reason."""
    for one in events:
        yield {**one, "refused": refused[one["at"]]} if one["at"] in refused else one


def config_of(city: Mapping[str, Any]) -> RulesConfig:
    """The rules of *city*: ``law`` by name; ``rule.<name>`` a rule with its settings; all else of joint-incident."""
    numbers = {name: said for name, said in city.items() if name not in ("law", "rule")}
    others = [{"name": name, "numbers": said} for name, said in city.get("rule", {}).items()]
    law = law_named(city.get("law", "kr"))
    return CityRules.model_validate(
        {"city": "demo", "language": "en", **numbers, "law": law, "others": others}
    )
