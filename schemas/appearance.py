"""The words for how a person looks (``appearance.toml``), and a measured colour as one of them. Pure."""

from __future__ import annotations

import colorsys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.errors import Fatal, Invalid

Labels = Mapping[str, str]
"""Language → what people read."""
Hue = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Trait:
    """One attribute: its label, and its words with theirs."""

    label: Labels
    words: Mapping[str, Labels]


@dataclass(frozen=True, slots=True)
class Shades:
    """The bounds of ``[shades]``."""

    black_value_max: float
    gray_saturation_max: float
    white_value_min: float
    brown_value_max: float
    brown_hues: tuple[float, float]
    hues: tuple[Hue, ...]

    def of(self, red: float, green: float, blue: float) -> str:
        """The shade of a colour in sRGB, each part 0 to 1. ``Invalid`` for a part outside."""
        if not all(0 <= part <= 1 for part in (red, green, blue)):
            raise Invalid("the colour is none", field="colour", expected="three shares, 0 to 1")
        turn, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        degrees = turn * 360
        if value < self.black_value_max:
            return "black"
        if saturation < self.gray_saturation_max:
            return "white" if value >= self.white_value_min else "gray"
        if value < self.brown_value_max and self.brown_hues[0] <= degrees < self.brown_hues[1]:
            return "brown"
        return next(name for name, first, last in self.hues if _is_within(degrees, first, last))


@dataclass(frozen=True, slots=True)
class Appearance:
    """Every attribute with its words, the shades, and the nearest word for a shade that a garment has no word for."""

    traits: Mapping[str, Trait]
    shades: Shades
    nearest: Mapping[str, Mapping[str, str]]
    nearest_share: float

    def words(self, attribute: str) -> tuple[str, ...]:
        """The words of *attribute*, in the table's order. ``Invalid`` for an unknown attribute."""
        if attribute not in self.traits:
            raise Invalid(
                f"no attribute {attribute!r}", field="attributes", expected=f"one of {', '.join(self.traits)}"
            )
        return tuple(self.traits[attribute].words)

    def check(self, attribute: str, word: str) -> None:
        """Raise ``Invalid`` unless *word* is a word of *attribute*."""
        words = self.words(attribute)
        if word not in words:
            raise Invalid(
                f"{attribute}: no word {word!r}", field="attributes", expected=f"one of {', '.join(words)}"
            )

    def colour(self, attribute: str, shade: str) -> tuple[str, float] | None:
        """The word for *shade* as *attribute* (an upper or a lower colour), and what its confidence is multiplied by.

        ``None`` for a shade that is near no word.
        """
        if shade in self.words(attribute):
            return shade, 1.0
        word = self.nearest.get(attribute, {}).get(shade)
        return None if word is None else (word, self.nearest_share)


def _is_within(degrees: float, first: float, last: float) -> bool:
    return first <= degrees < last if first < last else degrees >= first or degrees < last


def read_appearance(text: str) -> Appearance:
    """The table in *text* (TOML). ``Fatal`` for hues that leave a gap, or a nearest word that is none."""
    said = tomllib.loads(text)
    traits = {name: Trait(one["label"], one["words"]) for name, one in said["attributes"].items()}
    nearest = dict(said["nearest"])
    share = float(nearest.pop("share"))
    found = Appearance(MappingProxyType(traits), _shades(said["shades"]), nearest, share)
    for attribute, words in nearest.items():
        for shade, word in words.items():
            if attribute not in traits or word not in traits[attribute].words:
                raise Fatal(
                    f"appearance: nearest.{attribute}.{shade}: no word {word!r}",
                    hint="appearance.toml names them",
                )
    return found


def _shades(said: Mapping[str, Any]) -> Shades:
    hues = tuple((str(name), float(first), float(last)) for name, first, last in said["hues"])
    for (name, _, last), (after, first, _) in zip(hues, [*hues[1:], hues[0]], strict=True):
        if last != first:
            raise Fatal(
                f"appearance: hues: {name} ends at {last} and {after} begins at {first}", hint="leave no gap"
            )
    low, high = said["brown_hues"]
    return Shades(
        said["black_value_max"],
        said["gray_saturation_max"],
        said["white_value_min"],
        said["brown_value_max"],
        (low, high),
        hues,
    )


@cache
def load_appearance() -> Appearance:
    """The words that ship with this package."""
    return read_appearance(Path(__file__).with_name("appearance.toml").read_text(encoding="utf-8"))
