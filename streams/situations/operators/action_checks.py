"""Checks of an action that needs more than its situation: a join, a filing. Pure."""

from __future__ import annotations

from schemas.errors import Invalid
from streams.situations.config import RulesConfig
from streams.situations.model import Situation


def refused(code: str, what: str, field: str, expected: str) -> Invalid:
    return Invalid(what, field=field, expected=expected, code=code)


def check_join(situation: Situation, other: Situation | None, config: RulesConfig) -> None:
    if other is None or not (other.holds_reports and situation.holds_reports):
        raise refused(
            "no-other", "no such situation of reports", "other_situation_id", "one that is not forgotten"
        )
    if other.situation_id == situation.situation_id:
        raise refused("one-already", "they are one already", "other_situation_id", "another situation")
    count = len(situation.view.incidents) + len(other.view.incidents)
    if count > config.bounds.incidents:
        raise refused(
            "too-many-reports",
            "together they hold too many reports",
            "other_situation_id",
            f"at most {config.bounds.incidents}",
        )


def check_filing(domain: str, situation: Situation, config: RulesConfig) -> None:
    if domain not in config.filing:
        known = " or ".join(config.filing) or "none: the city's file names no agency under [rule.filing]"
        raise refused(
            "no-filing-agency", f"no agency of this city takes filings of {domain[:40]}", "to_domain", known
        )
    for report in situation.view.incidents:
        if report.domain == domain:
            what = f"it has a report of {report.agency} already: {report.incident_id}"
            raise refused("reported-already", what, "action", "a situation that the agency has not reported")
    for filing in situation.filings:
        if filing.is_open and filing.to_domain == domain:
            what = f"it is filed with {filing.agency} already: {filing.filing_id}"
            raise refused("filed-already", what, "action", "its answer, or its end")
