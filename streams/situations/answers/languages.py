"""Headlines in each language in which the city tells its alerts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.situations.config import RulesConfig
from streams.situations.sections import Headlines
from streams.situations.words import Said, said_in


def in_each_language(config: RulesConfig, told: Callable[[Headlines, Mapping[str, str]], str]) -> Said:
    """The text that *told* makes of a language's words and its names of kinds."""
    others = ((code, told(config.headlines[code], names)) for code, names in config.further.items())
    return said_in(told(config.headlines[config.spoken], config.names), others)
