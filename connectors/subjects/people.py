"""People's looks in analytics' words mapped to ours (``people.toml``). Pure."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.appearance import load_appearance
from schemas.errors import Invalid

FACE, PERSON = "face", "person"
OLDEST = 110
Word = tuple[str, float | None]
Words = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Part → a vendor's word in lower case → attribute → word."""
_TOP = ("colours", "doubtful", "ages")
_FILE = Path(__file__).with_name("people.toml")


@dataclass(frozen=True, slots=True)
class PeoplesWords:
    """*vendors*: each one's words. *colours*: name → shade; *doubtful*: name → what its confidence is multiplied by."""

    vendors: Mapping[str, Words]
    colours: Mapping[str, str]
    doubtful: Mapping[str, float]
    ages: tuple[tuple[str, int], ...]


@cache
def load_people(path: Path = _FILE) -> PeoplesWords:
    """The words there are. ``Invalid`` where a table names an attribute, word or shade that is none."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    colours, doubtful, ages = (told.pop(name) for name in _TOP)
    known = load_appearance()
    for table in (table for parts in told.values() for table in parts.values()):
        for traits in table.values():
            for attribute, word in traits.items():
                known.check(attribute, word)
    for band in ages:
        known.check("age_band", band)
    for name, shade in colours.items():
        if any(known.colour(garment, shade) is None for garment in ("upper_colour", "lower_colour")):
            raise Invalid(
                f"colours.{name}: no shade {shade!r}", field="colours", expected="a shade of appearance.toml"
            )
    return PeoplesWords(told, colours, doubtful, tuple(ages.items()))


class Traits:
    """The attributes of one person as a vendor says them; of several words for one attribute the likeliest stays."""

    def __init__(self, vendor: str, skipped: Counter[str], noted: Counter[str]) -> None:
        self._words = load_people()
        self._parts = self._words.vendors.get(vendor, {})
        self._skipped, self._noted = skipped, noted
        self._found: dict[str, Word] = {}

    def say(self, part: str, said: str, share: float | None = None) -> None:
        """Add what the vendor's word *said* for *part* means. An unknown one is noted."""
        meant = self._parts[part].get(said.strip().lower())
        if meant is None:
            self._noted[f"{part} of a person unknown: {said[:40]}"] += 1
        elif not meant:
            self._skipped[f"{part} of a person without a word of ours"] += 1
        for attribute, word in (meant or {}).items():
            self._add(attribute, word, share)

    def colour_named(self, attribute: str, name: str, share: float | None) -> None:
        """Add a garment's colour by its *name*."""
        name = name.strip().lower()
        shade = self._words.colours.get(name)
        if shade is None:
            self._noted[f"colour of a person unknown: {name[:40]}"] += 1
            return
        self._shade(attribute, shade, share, self._words.doubtful.get(name, 1.0))

    def colour_measured(self, attribute: str, rgb: tuple[float, float, float], share: float | None) -> None:
        """Add a garment's colour, its parts 0 to 1. ``Invalid`` for a part outside."""
        self._shade(attribute, load_appearance().shades.of(*rgb), share, 1.0)

    def age(self, low: float, high: float) -> None:
        """Add the band in which most of the years *low* to *high* lie; the confidence is their part."""
        if not 0 <= low <= high <= OLDEST:
            self._noted["age of a person that cannot be"] += 1
            return
        ends = [*(first for _, first in self._words.ages[1:]), OLDEST + 1]
        span = high + 1 - low
        parts = {
            band: (min(high + 1, end) - max(low, first)) / span
            for (band, first), end in zip(self._words.ages, ends, strict=True)
        }
        band = max(parts, key=lambda one: parts[one])
        self._add("age_band", band, parts[band])

    def rows(self) -> list[dict[str, Any]]:
        """In the order of the table of attributes."""
        return [
            {"name": name, "word": self._found[name][0], "confidence": self._found[name][1]}
            for name in load_appearance().traits
            if name in self._found
        ]

    def _shade(self, attribute: str, shade: str, share: float | None, sure: float) -> None:
        found = load_appearance().colour(attribute, shade)
        if found is not None:
            word, factor = found
            doubt = factor * sure
            # an analytic that gives no confidence is still in doubt where the name is
            known = share if doubt == 1 else doubt * (1.0 if share is None else share)
            self._add(attribute, word, known)

    def _add(self, attribute: str, word: str, share: float | None) -> None:
        before = self._found.get(attribute)
        if before is None or (share or 0.0) > (before[1] or 0.0):
            self._found[attribute] = (word, share)
