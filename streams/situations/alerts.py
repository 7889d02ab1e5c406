"""What people are told: one alert per situation and audience, revised rather than repeated."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from schemas.event import derived_id
from schemas.kinds import load_kinds
from streams.situations.model import CLOSED, Situation, Told

OPERATOR = "operator"
ALERT, UPDATE, CANCEL = "alert", "update", "cancel"


@dataclass(frozen=True, slots=True)
class Alert:
    """One revision of what one audience is told."""

    alert_id: str
    revision: int
    audience: str
    message_type: str
    headline: str


@cache
def words_of(language: str) -> dict[str, str]:
    """The templates of *language*; English where there are none."""
    tables = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    found: dict[str, str] = tables.get(language, tables["en"])
    return found


def headline(situation: Situation, kind: str, message_type: str, language: str) -> str:
    words = words_of(language)
    return words[message_type].format(
        kind=load_kinds().name(kind, language),
        agencies=", ".join(situation.agencies),
        status=words[situation.status],
    )


def retell(situation: Situation, kind: str, severity: str, language: str) -> tuple[Situation, list[Alert]]:
    """The situation with what each audience has been told by now, and the alerts that tell it."""
    told = dict(situation.told)
    alerts = []
    for audience in sorted({OPERATOR, *situation.agencies, *told}):
        alert = _next(situation, audience, told.get(audience), kind, severity, language)
        if alert is not None:
            alerts.append(alert)
            words = _content(situation, audience, kind, severity)
            told[audience] = Told(alert.revision, alert.message_type == CANCEL, words)
    return replace(situation, told=told), alerts


def _next(
    situation: Situation, audience: str, last: Told | None, kind: str, severity: str, language: str
) -> Alert | None:
    is_over = situation.status == CLOSED or (audience != OPERATOR and audience not in situation.agencies)
    if last is None or last.is_cancelled:
        if is_over:
            return None  # nobody is woken for what is over
        message_type = ALERT
    elif is_over:
        message_type = CANCEL
    elif last.words != _content(situation, audience, kind, severity):
        message_type = UPDATE
    else:
        return None
    revision = 1 if last is None else last.revision + 1
    alert_id = derived_id("alert", situation.situation_id, audience)
    return Alert(alert_id, revision, audience, message_type, headline(situation, kind, message_type, language))


def _content(situation: Situation, audience: str, kind: str, severity: str) -> str:
    """What makes an alert worth telling again: another kind, severity, status, agency or place."""
    place = situation.place
    where = "" if place is None else f"{place.lat:.6f},{place.lon:.6f}"
    return "|".join((audience, kind, severity, situation.status, ",".join(situation.agencies), where))
