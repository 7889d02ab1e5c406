"""Messages to people: one alert for each situation and audience, by CAP's message types: alert, update, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.event import derived_id
from streams.geo import distance_m
from streams.situations.answers.companies import own_kind, status_words
from streams.situations.answers.languages import in_each_language
from streams.situations.config import RulesConfig
from streams.situations.model import Position, Situation, ToldAlert, View
from streams.situations.sections import Headlines
from streams.situations.terms import SEVERITIES
from streams.situations.words import Said, text_of

OPERATOR = "operator"
"""The audience that may be alerted to every situation."""
MOVED = 0.2
"""The share of an alert's radius by which a place must move before it is published again: less changes no search."""


@dataclass(frozen=True, slots=True)
class Message:
    """The next revision of one audience's alert. *demands_attention*: somebody must look, it is not only kept up to date."""

    audience: str
    revision: int
    message_type: str
    headline: Said
    demands_attention: bool


def alert_id(situation_id: str, audience: str) -> str:
    return derived_id(situation_id, audience)


def retold(
    situation: Situation, config: RulesConfig, *, now: int, is_urgent: bool = False, for_operator: bool = True
) -> tuple[Situation, list[Message]]:
    """*situation* with the last alert of each audience, and the messages that are due.

    A situation that was over before it was reported alerts nobody. An audience whose alert was cancelled and that is
    concerned again gets an update: revisions go on. The operator is alerted once the situation demands attention, and from
    then on until its end; until then it stands in the list. *is_urgent*: each message of now demands attention.
    *for_operator*: whether the operator is alerted to what is found without reports and is an agency's.
    """
    view = situation.view
    before = {told.audience: told for told in situation.told}
    concerned = _concerned(situation, before.get(OPERATOR), config, for_operator=for_operator)
    after: list[ToldAlert] = []
    messages: list[Message] = []
    for audience in sorted({*before, *concerned}):
        told = before.get(audience)
        if audience in concerned:
            if (
                told is None
                or not told.is_active
                or told.said != _said(situation, audience, _where(view, told, config), config)
            ):
                is_new = told is None or not told.is_active
                is_graver = is_new or (
                    audience not in config.companies
                    and (is_urgent or told is None or _is_graver(view.severity, told.severity))
                )
                since = now if told is None or is_new else told.since
                revision = told.revision + 1 if told else 1
                said = _said(situation, audience, view.position, config)
                told = ToldAlert(audience, revision, True, said, view.severity, since, view.position)
                kind = "alert" if told.revision == 1 else "update"
                messages.append(
                    Message(audience, told.revision, kind, _headline(view, audience, kind, config), is_graver)
                )
        elif told is not None and told.is_active:
            told = replace(told, revision=told.revision + 1, is_active=False)
            headline = _headline(view, audience, _end(view), config)
            messages.append(Message(audience, told.revision, "cancel", headline, False))
        if told is not None:
            after.append(told)
    return replace(situation, told=tuple(after)), messages


def _concerned(
    situation: Situation, told: ToldAlert | None, config: RulesConfig, *, for_operator: bool
) -> tuple[str, ...]:
    view = situation.view
    if situation.is_closed:
        return ()
    is_told = told is not None and told.is_active
    is_found = not situation.holds_reports and (for_operator or not view.agencies)
    demands = is_found or (
        situation.holds_reports and situation.listed is None and _demands_attention(view, config)
    )
    higher_up = () if situation.handled.escalated_at is None else (config.escalate_to,)
    return (*view.agencies, OPERATOR, *higher_up) if is_told or demands else (*view.agencies, *higher_up)


def _demands_attention(view: View, config: RulesConfig) -> bool:
    """Whether its kind is among the city's `attention`, or a report's word is unknown and not `quiet`."""
    unknown = (one.unknown_word for one in view.incidents if one.unknown_word and not one.is_closed)
    return config.demands_attention(view.kind) or any(not config.is_quiet(word) for word in unknown)


def _is_graver(severity: str, than: str) -> bool:
    return SEVERITIES.index(severity) < SEVERITIES.index(than)


def _said(situation: Situation, audience: str, at: Position | None, config: RulesConfig) -> str:
    """The digest of a message's contents: another message is due when it changes."""
    view = situation.view
    if audience in config.companies:
        return derived_id(view.status, own_kind(view, audience, config) or "")
    members = (incident.incident_id for incident in view.incidents)
    words: tuple[str, ...] = () if view.words is None else (text_of(view.words),)
    if at is not None and view.radius_m is None:  # no area of its own: what it is about may move
        words = (*words, f"{at.lat} {at.lon}")
    if situation.handled.escalated_at is not None:
        words = (*words, str(situation.handled.escalated_at))
    return derived_id(view.kind, view.status, view.severity, view.urgency, view.certainty, *members, *words)


def _where(view: View, told: ToldAlert, config: RulesConfig) -> Position | None:
    """The place that an alert states: the last published one while *view* lies within `MOVED` of the alert's radius from it.
    Where the rule has its own words, the place of *view*."""
    at, was = view.position, told.at
    if at is None or was is None or view.words is not None:
        return at
    return was if distance_m(at.lat, at.lon, was.lat, was.lon) <= MOVED * config.alert_radius_m else at


def _end(view: View) -> str:
    if view.merged_into is not None:
        return "merged"
    return "cancel" if view.status == "closed" else "left"


def _headline(view: View, audience: str, template: str, config: RulesConfig) -> Said:
    if audience in config.companies:
        return status_words(view, audience, config)
    return headline(view, template, config) if view.words is None else view.words


def headline(view: View, template: str, config: RulesConfig) -> Said:
    """*view* in the city's own words for *template*, one of ``[headlines]``, and in those of further languages."""

    def told(words: Headlines, names: Mapping[str, str]) -> str:
        text: str = getattr(words, template)
        return text.format(
            kind=names.get(view.kind, view.kind),
            agencies=", ".join(view.agencies),
            status=words.statuses.get(view.status, view.status),  # type: ignore[call-overload]  # any status, so that a new one reads as itself
        )

    return in_each_language(config, told)
