"""The settings of a rule: they begin with the numbers of the toml beside the rule's file, and hold its words by language."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field, model_validator

from streams.situations.config import RulesConfig
from streams.situations.languages import words_of
from streams.situations.terms import Strict
from streams.situations.words import Said, said_in


def defaults_beside(file: str) -> Callable[..., Any]:
    """A function that makes the field *name* of a rule's ``Numbers``, within *bounds*, whose default is the number of that
    name in the toml beside *file*."""
    path = Path(file).with_suffix(".toml")

    @cache
    def numbers() -> dict[str, Any]:
        return tomllib.loads(path.read_text(encoding="utf-8"))

    def default(name: str, **bounds: Any) -> Any:
        return Field(default_factory=lambda: numbers()[name], validate_default=True, **bounds)

    return default


class Templates(Strict):
    """The texts of a rule in one language. Each may use the *places*, given here with an example of what stands there."""

    places: ClassVar[Mapping[str, Any]]

    @model_validator(mode="after")
    def _sound(self) -> Templates:
        for name in type(self).model_fields:
            template = getattr(self, name)
            try:
                template.format(**self.places)
            except (KeyError, IndexError, ValueError) as error:
                known = ", ".join(f"{{{place}}}" for place in self.places)
                raise ValueError(f"{template!r} may use {known} only") from error
        return self


Words = TypeVar("Words", bound=Templates)


def headlines_of(rule: str) -> Any:
    """The field of a rule's ``Numbers`` that holds its words by language; what a city does not say, ``languages/`` does."""
    return Field(default_factory=lambda: words_of(rule), validate_default=True)


def spoken(headlines: Mapping[str, Words], config: RulesConfig) -> Words:
    """The words in the city's language; in the first there is where that one has none."""
    return headlines.get(config.spoken) or next(iter(headlines.values()))


class Speech(Generic[Words]):
    """The texts of a rule, in the city's language and in each further one in which alerts are told and it has words."""

    def __init__(self, headlines: Mapping[str, Words], config: RulesConfig) -> None:
        self._own = (spoken(headlines, config), config.names)
        self._others = {
            code: (headlines[code], names) for code, names in config.further.items() if code in headlines
        }

    def said(self, template: str, kinds: Mapping[str, str], **places: Any) -> Said:
        """*template*, a field of the rule's words. *kinds*: place → kind, which each language calls by its own name."""
        others = ((code, _filled(*its, template, kinds, places)) for code, its in self._others.items())
        return said_in(_filled(*self._own, template, kinds, places), others)


def _filled(
    words: Templates,
    names: Mapping[str, str],
    template: str,
    kinds: Mapping[str, str],
    places: Mapping[str, Any],
) -> str:
    called = {place: names.get(kind, kind) for place, kind in kinds.items()}
    text: str = getattr(words, template)
    return text.format(**called, **places).strip()
