"""The words of the Common Alerting Protocol 1.2 for ours: categories of kinds, and levels. Pure."""

from __future__ import annotations

import re

PUBLIC = "public"
NAME = re.compile(r"[^\s,&<\x00-\x1f\x7f]+")
"""An identifier or sender of CAP: no space, no comma, no ``<`` and no ``&``."""
KIND_CODES = "bongsu:kind"
"""The list of our event codes: the kinds of ``schemas/kinds.toml``."""
LEVELS = {
    "urgency": ("Immediate", "Expected", "Future", "Past"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely"),
}
"""In the order in which an info block has them. Any other word is Unknown."""
CATEGORIES = {
    "crash": "Transport",
    "fire": "Fire",
    "medical": "Health",
    "death": "Health",
    "rescue": "Rescue",
    "alarm": "Safety",
    "alarm.automatic": "Fire",
    "alarm.smoke": "Fire",
    "alarm.water-flow": "Fire",
    "alarm.intrusion": "Security",
    "hazard": "Safety",
    "hazard.traffic": "Transport",
    "hazard.fuel": "CBRNE",
    "hazard.electrical": "Infra",
    "gas": "Safety",
    "wires": "Infra",
    "crime": "Security",
    "missing": "Safety",
    "disaster": "Safety",
    "vulnerable": "Safety",
    "wanted": "Security",
    "disturbance": "Security",
    "check": "Safety",
    "traffic": "Transport",
    "patrol": "Security",
    "warning": "Safety",
    "warning.weather": "Met",
    "warning.flood": "Met",
    "warning.earthquake": "Geo",
    "warning.tsunami": "Geo",
    "warning.volcano": "Geo",
    "warning.landslide": "Geo",
    "warning.fire": "Fire",
    "warning.air": "Env",
    "warning.environment": "Env",
    "warning.health": "Health",
    "warning.hazmat": "CBRNE",
    "warning.security": "Security",
    "warning.infrastructure": "Infra",
    "warning.transport": "Transport",
}
"""Kind → category of CAP, for it and what lies below it; the rest is Other."""


def category(kind: str) -> str:
    """The category of CAP for *kind*, by its nearest ancestor that has one."""
    above = kind
    while above:
        if above in CATEGORIES:
            return CATEGORIES[above]
        above = above.rpartition(".")[0]
    return "Other"


def level(name: str, said: str) -> str:
    """The word of CAP for what an alert *said* of *name*, its urgency, severity or certainty."""
    word = said.capitalize()
    return word if word in LEVELS[name] else "Unknown"


def is_sender(name: str) -> bool:
    """Whether *name* may be a sender of CAP."""
    return NAME.fullmatch(name) is not None
