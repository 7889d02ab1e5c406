"""A city as its console shows it: name, place, time and words. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from schemas.appearance import load_appearance
from schemas.kinds import load_kinds

LANGUAGE_FILE = re.compile(r"[a-z]{2,3}\.json")
FALLBACK = "en"
"""The language in which the pages say what another has no words for."""


def _languages() -> dict[str, str]:
    """Code → what its speakers call it, of every file in ``words/``; the fallback first."""
    folder = files("connectors.sinks.console") / "words"
    named = (one for one in folder.iterdir() if LANGUAGE_FILE.fullmatch(one.name))
    found = {one.name.partition(".")[0]: str(json.loads(one.read_bytes())["language"]) for one in named}
    return {code: found[code] for code in sorted(found, key=lambda code: (code != FALLBACK, code))}


LANGUAGES: Mapping[str, str] = _languages()
"""The languages of the pages, by their codes, each with its own name: adding one is adding its files."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The law of missing persons' cases and the words for looks, as the page of cases needs them."""

    agencies: Sequence[str]
    """The agencies whose accounts see the page."""
    grounds: Mapping[str, str]
    """Word of ``police.missing`` → the law's own."""
    other_grounds: Mapping[str, str]
    """Grounds outside the act: each needs the number of a decision."""
    filing_hours: float | None = None
    """The hours in which an urgent case's authorisation is asked for; ``None``: the law has no urgent cases."""
    crop: str | None = None
    """The address at which the keeper of a sighting's picture opens it, with ``{crop}``."""

    def told(self) -> dict[str, Any]:
        """The facts as the pages read them, with every attribute and its words in each language."""
        traits = load_appearance().traits
        return {
            "agencies": list(self.agencies),
            "grounds": dict(self.grounds),
            "other_grounds": dict(self.other_grounds),
            "filing_hours": self.filing_hours,
            "crop": self.crop,
            "traits": {
                name: {
                    "label": dict(one.label),
                    "words": {word: dict(said) for word, said in one.words.items()},
                }
                for name, one in traits.items()
            },
        }


@dataclass(frozen=True, slots=True)
class ConsoleCity:
    """The facts of a city's file that the pages need. *bounds*: south, west, north, east in degrees."""

    name: str
    title: str
    timezone: str
    bounds: tuple[float, float, float, float]
    is_simulated: bool = False
    video: str | None = None
    """The address of a camera's picture, with ``{camera}`` and ``{ticket}``."""
    hls: bytes | None = None
    """The script of hls.js, for browsers that play no HLS."""
    layers: Sequence[bytes] = ()
    """The background of the map: GeoJSON documents."""
    tiles: str | None = None
    """The address of the tiles under the layers, with ``{z}``, ``{x}`` and ``{y}``."""
    attribution: str = ""
    steps: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Kind → the steps of the city's procedure; a kind without steps has those of its nearest ancestor."""

    filing: Mapping[str, str] = field(default_factory=dict)
    """Domain → the agency that takes what operators file."""

    kind_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Language → kind → its name; a language that is not in it has the names of ``schemas/kinds.toml``."""

    cases: CaseFacts | None = None
    """``None``: nobody looks for missing persons here."""

    issuer: str | None = None
    """The name of the city's issuer of OpenID Connect; ``None``: nobody signs in by one."""

    def told(self, *, is_signed_in: bool) -> dict[str, Any]:
        """The document that the pages begin with. The city's procedure and its pictures are for those who signed in."""
        kinds = load_kinds()
        inside = {
            "video": self.video,
            "has_hls": self.hls is not None,
            "tiles": {"address": self.tiles, "attribution": self.attribution} if self.tiles else None,
            "layers": [f"/console/api/layers/{number}" for number in range(len(self.layers))],
            "steps": {kind: list(steps) for kind, steps in self.steps.items()},
            "filing": dict(self.filing),
            "cases": None if self.cases is None else self.cases.told(),
        }
        return {
            "name": self.name,
            "title": self.title,
            "timezone": self.timezone,
            "bounds": dict(zip(("south", "west", "north", "east"), self.bounds, strict=True)),
            "is_simulated": self.is_simulated,
            "languages": dict(LANGUAGES),
            "issuer": self.issuer,
            "kinds": {kind: {**called, **self._called(kind)} for kind, called in kinds.names.items()},
            **(inside if is_signed_in else dict.fromkeys(inside) | {"layers": [], "steps": {}, "filing": {}}),
        }

    def _called(self, kind: str) -> dict[str, str]:
        """The names of *kind* that the city's file of words has."""
        return {code: names[kind] for code, names in self.kind_names.items() if kind in names}
