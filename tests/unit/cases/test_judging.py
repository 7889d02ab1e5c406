"""The law of missing persons' cases, country by country; the tables are written apart from the laws' files."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.laws import case_law_named, law_named, law_names
from schemas.errors import Fatal
from streams.cases.judge import Allowed, Refused, judge, may_see, seen_from_ms
from tests.unit.cases.a_case import HOUR, NOON, a_case, a_sighting

ACT_KR = "Missing Children Act Art. 2 no. 1"
LED = "Directive 2016/680 Art. 8: search for a missing person, based on the member state's law"
ART_5 = "AI Act Art. 5(1)(h)(i) and 5(3): targeted search for a missing person, authorised"
GROUNDS = ("under_18", "intellectual_disability", "autistic_disability", "mental_disability", "dementia")
BY_LAW = {
    "kr": {
        "under_18": f"{ACT_KR}(a): under 18 when they went missing",
        "intellectual_disability": f"{ACT_KR}(b): an intellectual disability",
        "autistic_disability": f"{ACT_KR}(b): an autistic disability",
        "mental_disability": f"{ACT_KR}(b): a mental disability",
        "dementia": f"{ACT_KR}(c): dementia",
    },
    "eu": dict.fromkeys((*GROUNDS, "other"), LED),
    "us": {},
    "th": {},
    "id": {},
}
"""The law's words for each ground; a law without any was never looked up."""
OTHERS = {
    "kr": {"warrant", "consent", "danger-to-life"},
    "eu": {"warrant", "danger-to-life"},
    "us": {"court-order", "danger-to-life"},
    "th": {"court-order", "danger-to-life"},
    "id": {"court-order", "danger-to-life"},
}
BIOMETRIC = {"kr": None, "eu": (ART_5, 24), "us": None, "th": None, "id": None}
CLOTHING = {"onvif", "axis"}


def verdict(law: str, ground: str | None = "dementia", at: int = NOON, **said: Any) -> Allowed | Refused:
    return judge(a_case(ground, **said), case_law_named(law), at)


def test_each_law_says_what_stands_here() -> None:
    assert set(law_names()) == BY_LAW.keys()
    for name, grounds in BY_LAW.items():
        law = case_law_named(name)
        assert law.grounds == grounds
        assert law.other_grounds.keys() == OTHERS[name]
        assert law.sighting_hours == 24
        its = law.biometric
        assert (its and (its.legal_ground, its.filing_hours)) == BIOMETRIC[name]
        assert {one for one, what in law.analytics.items() if what == "clothing"} == CLOTHING


@pytest.mark.parametrize("law", sorted(BY_LAW))
@pytest.mark.parametrize("ground", [*GROUNDS, "other", None])
def test_a_case_is_allowed_by_the_grounds_of_its_law_alone(law: str, ground: str | None) -> None:
    said = verdict(law, ground)
    words = BY_LAW[law].get(ground or "")
    if words is not None:
        assert said == Allowed(NOON + 48 * HOUR, words, None)
    else:
        assert isinstance(said, Refused)
        assert said.reason == ("no_ground" if BY_LAW[law] else "law_unknown")
        assert said.other_grounds.keys() == OTHERS[law]
        assert said.purge_by_ms <= NOON + 5_000


@pytest.mark.parametrize("law", sorted(BY_LAW.keys() - {"eu"}))
def test_an_adult_is_looked_for_only_on_another_ground_with_the_number_of_its_decision(law: str) -> None:
    for other in OTHERS[law]:
        said = verdict(law, "other", other_ground=other)
        assert isinstance(said, Refused)
        assert said.reason == "no_authorisation"
        allowed = verdict(law, "other", other_ground=other, authorisation_id="court-11")
        assert isinstance(allowed, Allowed)
        assert allowed.legal_ground == case_law_named(law).other_grounds[other]
    refused = verdict(law, "other", other_ground="curiosity", authorisation_id="court-11")
    assert isinstance(refused, Refused)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"requester": None}, "no_requester"),
        ({"requester": " "}, "no_requester"),
        ({"area": ()}, "no_area"),
        ({"area": a_case().area[:2]}, "no_area"),
        ({"from_ms": None}, "no_time"),
        ({"until_ms": None}, "no_time"),
        ({"until_ms": NOON - 2 * HOUR}, "no_time"),
        ({"until_ms": NOON}, "expired"),
        ({"is_closed": True}, "closed"),
        ({"is_authorisation_refused": True}, "authorisation_refused"),
    ],
)
@pytest.mark.parametrize("law", ["kr", "eu"])
def test_a_case_without_all_that_bounds_it_is_refused(law: str, said: dict[str, Any], reason: str) -> None:
    answer = verdict(law, **said)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.purge_by_ms) == (reason, NOON + 5_000)


@pytest.mark.parametrize(
    ("after_ms", "filed_after_ms", "outcome"),
    [
        (0, None, NOON + 24 * HOUR),
        (24 * HOUR - 1, None, NOON + 24 * HOUR),
        (24 * HOUR, None, "not_filed"),
        (24 * HOUR, 24 * HOUR, NOON + 48 * HOUR),
        (24 * HOUR, HOUR, NOON + 48 * HOUR),
        (25 * HOUR, 24 * HOUR + 1, "not_filed"),
        (48 * HOUR, HOUR, "expired"),
    ],
)
def test_an_urgent_case_ends_unless_its_request_is_filed_in_time(
    after_ms: int, filed_after_ms: int | None, outcome: int | str
) -> None:
    filed: dict[str, Any] = (
        {} if filed_after_ms is None else {"filing_id": "f-1", "filed_at_ms": NOON + filed_after_ms}
    )
    said = verdict("eu", at=NOON + after_ms, is_urgent=True, **filed)
    if isinstance(outcome, str):
        assert said == Refused(outcome, NOON + after_ms + 5_000, case_law_named("eu").other_grounds)
    else:
        assert said == Allowed(outcome, LED, ART_5)


def test_a_filing_without_the_requests_id_is_none() -> None:
    said = verdict("eu", at=NOON + 24 * HOUR, is_urgent=True, filed_at_ms=NOON + HOUR)
    assert isinstance(said, Refused)
    assert said.reason == "not_filed"


def test_an_authorisation_needs_no_filing_and_korea_knows_none() -> None:
    late = NOON + 30 * HOUR
    assert verdict("eu", at=late, is_urgent=True, authorisation_id="c-1") == Allowed(
        NOON + 48 * HOUR, LED, ART_5
    )
    korean = verdict("kr", at=late, is_urgent=True, authorisation_id="c-1")
    assert isinstance(korean, Allowed)
    assert korean.biometric_ground is None


@pytest.mark.parametrize(
    ("said", "sees"),
    [
        ({}, True),
        ({"lat": 37.54}, False),
        ({"lon": 126.81}, False),
        ({"lat": None}, False),
        ({"seen_at_ms": NOON - 2 * HOUR}, True),
        ({"seen_at_ms": NOON - 2 * HOUR - 1}, False),
        ({"seen_at_ms": NOON + 48 * HOUR}, False),
        ({"of_case": "case-1"}, True),
        ({"of_case": "case-2"}, False),
        ({"has_score": True}, False),
        ({"analytic": "person_matches"}, False),
        ({"analytic": "of a vendor that the law's profile does not know"}, False),
    ],
)
@pytest.mark.parametrize("law", ["kr", "eu"])
def test_a_case_sees_clothes_inside_its_area_and_time(law: str, said: dict[str, Any], sees: bool) -> None:
    case, its = a_case(), case_law_named(law)
    assert may_see(case, judge(case, its, NOON), a_sighting(**said), its, NOON) is sees


def test_a_biometric_answer_is_seen_in_europe_with_an_authorisation_and_in_korea_never() -> None:
    answer = a_sighting(has_score=True, analytic="person_matches", of_case="case-1")
    case = a_case(authorisation_id="c-1")
    for name, sees in (("eu", True), ("kr", False)):
        law = case_law_named(name)
        assert may_see(case, judge(case, law, NOON), answer, law, NOON) is sees


def test_nothing_is_seen_without_a_verdict_after_it_or_beyond_retention() -> None:
    case, law = a_case(from_ms=NOON - 60 * HOUR), case_law_named("kr")
    allowed = judge(case, law, NOON)
    assert not may_see(case, None, a_sighting(), law, NOON)
    assert not may_see(case, Refused("no_ground", 0), a_sighting(), law, NOON)
    assert not may_see(case, allowed, a_sighting(), law, NOON + 48 * HOUR)
    assert seen_from_ms(case, law, NOON) == NOON - 24 * HOUR
    assert may_see(case, allowed, a_sighting(seen_at_ms=NOON - 24 * HOUR), law, NOON)
    assert not may_see(case, allowed, a_sighting(seen_at_ms=NOON - 24 * HOUR - 1), law, NOON)


def test_the_rules_version_does_not_change_with_this_section() -> None:
    assert all("missing_persons" not in law_named(one) for one in law_names())


def test_a_profile_without_the_section_is_refused_with_its_name(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xx.toml").write_text('name = "xx"\n', encoding="utf-8")
    monkeypatch.setattr("deploy.laws.LAWS", tmp_path)
    with pytest.raises(Fatal, match=r"'xx'.*missing_persons.*deploy/laws/kr.toml"):
        case_law_named("xx")
