"""Companies with alarms of their own: each is told how its own alarm stands, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from streams.situations.answers.languages import in_each_language
from streams.situations.config import RulesConfig
from streams.situations.model import View
from streams.situations.sections import Headlines
from streams.situations.words import Said


def own_kind(view: View, company: str, config: RulesConfig) -> str | None:
    """The gravest kind of *company*'s own reports; ``None`` where it has none here any more."""
    kinds = [incident.kind for incident in view.incidents if incident.agency == company]
    return min(kinds, key=config.gravity_of, default=None)


def status_words(view: View, company: str, config: RulesConfig) -> Said:
    """The status alone, after the company's own kind where it still has a report here."""
    kind = own_kind(view, company, config)

    def told(words: Headlines, names: Mapping[str, str]) -> str:
        status = words.statuses.get(view.status, view.status)  # type: ignore[call-overload]  # a new status reads as itself
        return str(status) if kind is None else f"{names.get(kind, kind)}: {status}"

    return in_each_language(config, told)
