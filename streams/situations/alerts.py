"""Messages to people: one alert for each situation and audience, in CAP's life: alert, update, cancel."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.model import Situation, Told, View

OPERATOR = "operator"
"""The audience that hears of every situation."""


@dataclass(frozen=True, slots=True)
class Message:
    """The next revision of one audience's alert."""

    audience: str
    revision: int
    message_type: str
    headline: str


def alert_id(situation_id: str, audience: str) -> str:
    return derived_id(situation_id, audience)


def retold(situation: Situation, config: RulesConfig) -> tuple[Situation, list[Message]]:
    """*situation* with what each audience has been told, and the messages that brought them there.

    Nobody is told of what was over before it was heard of. An audience whose alert was cancelled and that is
    concerned again gets an update: revisions go on.
    """
    view = situation.view
    concerned = () if situation.is_closed else (*view.agencies, OPERATOR)
    said = _said(view)
    before = {told.audience: told for told in situation.told}
    after: list[Told] = []
    messages: list[Message] = []
    for audience in sorted({*before, *concerned}):
        told = before.get(audience)
        if audience in concerned:
            if told is None or not told.is_active or told.said != said:
                told = Told(audience, told.revision + 1 if told else 1, True, said)
                kind = "alert" if told.revision == 1 else "update"
                messages.append(Message(audience, told.revision, kind, _headline(view, kind, config)))
        elif told is not None and told.is_active:
            told = replace(told, revision=told.revision + 1, is_active=False)
            messages.append(Message(audience, told.revision, "cancel", _headline(view, _end(view), config)))
        if told is not None:
            after.append(told)
    return replace(situation, told=tuple(after)), messages


def _said(view: View) -> str:
    """What a message is about, as a digest: another one is due when this changes."""
    members = (incident.incident_id for incident in view.incidents)
    return derived_id(view.kind, view.status, view.severity, view.urgency, view.certainty, *members)


def _end(view: View) -> str:
    if view.merged_into is not None:
        return "merged"
    return "cancel" if view.status == "closed" else "left"


def _headline(view: View, template: str, config: RulesConfig) -> str:
    words = config.headlines[config.spoken]
    text: str = getattr(words, template)
    return text.format(
        kind=config.names.get(view.kind, view.kind),
        agencies=", ".join(view.agencies),
        status=words.statuses.get(view.status, view.status),  # type: ignore[call-overload]
    )
