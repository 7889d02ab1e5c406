"""Companies with alarms of their own: each is told how its own alarm stands, and nothing else. Pure."""

from __future__ import annotations

from streams.situations.config import RulesConfig
from streams.situations.model import View


def own_kind(view: View, company: str, config: RulesConfig) -> str | None:
    """The gravest kind of *company*'s own reports; ``None`` where it has none here any more."""
    kinds = [incident.kind for incident in view.incidents if incident.agency == company]
    return min(kinds, key=config.gravity_of, default=None)


def status_words(view: View, company: str, config: RulesConfig) -> str:
    """The status alone, after the company's own kind where it still has a report here."""
    words = config.headlines[config.spoken].statuses
    status = words.get(view.status, view.status)  # type: ignore[call-overload]  # a new status reads as itself
    kind = own_kind(view, company, config)
    return str(status) if kind is None else f"{config.names.get(kind, kind)}: {status}"
