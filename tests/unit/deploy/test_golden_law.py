"""The law of each country, written down apart from its file: a bound that changes must change here too."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.laws import LAWS, law_named

DANGER_KR = "PIPA Art. 18(2)3: manifest imminent danger to life, body or property"
FACILITIES_KR = "PIPA Art. 25(1)3: safety and management of facilities, prevention of fire"
DANGER_TH = "PDPA s. 24(2): preventing or suppressing a danger to life, body or health"
TASK_EU = "GDPR Art. 6(1)(e): a task in the public interest"
TASK_ID = "UU PDP Art. 20(2)(e): a task in the public interest, public service"
CRIME_ID = "UU PDP Art. 17(2): prevention of crime and enforcement of the law"

DAYS_KEPT = {"eu": 7, "id": 30, "kr": 30, "th": 30, "us": 30}
"""Korea: public bodies keep at most 30 days. Europe: what goes beyond 72 hours needs a reason; a week is our choice."""
GRANT_MINUTES_MAX = {"eu": 240, "id": 480, "kr": 480, "th": 480, "us": 480}
"""A shift of eight hours; half of it in Europe."""
LANGUAGES = {"eu": "en", "id": "en", "kr": "ko", "th": "th", "us": "en"}
PURPOSES = {"police": "crime-prevention", "fire": "fire-safety", "disaster": "disaster"}
GROUNDS = {
    "eu": {
        "police": "Directive 2016/680 Art. 8: a task of the competent authority, based on the member state's law",
        "fire": TASK_EU,
        "disaster": TASK_EU,
    },
    "id": {"police": CRIME_ID, "fire": TASK_ID, "disaster": TASK_ID},
    "kr": {
        "police": "PIPA Art. 25(1)2: prevention and investigation of crime",
        "fire": FACILITIES_KR,
        "disaster": FACILITIES_KR,
    },
    "th": {
        "police": "PDPA s. 24(4): exercise of official authority vested in the police",
        "fire": DANGER_TH,
        "disaster": DANGER_TH,
    },
    "us": {
        "police": "city camera policy: police response to a call for service",
        "fire": "city camera policy: fire and medical response to a call for service",
        "disaster": "city camera policy: response to a disaster",
    },
}
SUPERVISOR, BOTH = ["supervisor"], ["operator", "supervisor"]
MAY = {
    "eu": {"confirm": SUPERVISOR, "override": SUPERVISOR, "file": BOTH},
    "id": {"override": SUPERVISOR, "file": BOTH},
    "kr": {"override": SUPERVISOR, "file": BOTH},
    "th": {"override": BOTH, "file": BOTH},
    "us": {"override": SUPERVISOR, "file": BOTH},
}
OVERRIDES = {
    "eu": {
        "danger-to-life": "GDPR Art. 6(1)(d): vital interests of the data subject or another person",
        "crime-investigation": "Directive 2016/680 Art. 4(2): another purpose of law enforcement,"
        " necessary and proportionate",
    },
    "id": {
        "danger-to-life": "UU PDP Art. 20(2)(d): protection of the vital interest of the data subject",
        "law-enforcement": CRIME_ID,
    },
    "kr": {
        "danger-to-life": DANGER_KR,
        "crime-investigation": "PIPA Art. 18(2)7: needed to investigate a crime",
        "public-safety": "PIPA Art. 18(2)10: urgent public safety or health",
    },
    "th": {
        "danger-to-life": DANGER_TH,
        "official-duty": "PDPA s. 24(4): a task in the public interest or official authority",
    },
    "us": {
        "danger-to-life": "exigent circumstances: imminent danger to life",
        "court-order": "court order or warrant",
    },
}
WANTED_OFFENCES = {"kr": ["homicide", "robbery", "abduction"]}
"""Korea compares plates for crimes of the gravity of murder, robbery and abduction only."""


def law_of(country: str) -> dict[str, Any]:
    """The whole profile, by the tables above."""
    law: dict[str, Any] = {
        "name": country,
        "language": LANGUAGES[country],
        "forget_after_days": DAYS_KEPT[country],
        "grant_minutes_max": GRANT_MINUTES_MAX[country],
        "uses": {
            domain: {"purpose": purpose, "legal_ground": GROUNDS[country][domain]}
            for domain, purpose in PURPOSES.items()
        },
        "may": MAY[country],
        "overrides": OVERRIDES[country],
    }
    if country in WANTED_OFFENCES:
        law["wanted_offences"] = WANTED_OFFENCES[country]
    return law


@pytest.mark.parametrize("country", sorted(DAYS_KEPT))
def test_the_law_says_what_is_written_here_and_nothing_else(country: str) -> None:
    assert law_named(country) == law_of(country)


def test_no_country_ships_that_stands_not_here() -> None:
    assert {path.stem for path in LAWS.glob("*.toml")} == DAYS_KEPT.keys()
