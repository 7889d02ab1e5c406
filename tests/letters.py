"""The letters that each language of the platform is written in, and the faults that a typist makes in Thai."""

from __future__ import annotations

import re
import unicodedata

LETTERS = {"en": "LATIN", "ko": "HANGUL", "th": "THAI"}
"""Language → how Unicode's names of its letters begin. A new language has its row here."""
LATIN = LETTERS["en"]
"""Names of programs, units and fields are Latin in every language."""
CONSONANT = r"[\u0e01-\u0e2e]"
THAI_FAULTS = re.compile(
    r"\u0e40\u0e40"  # two of sara e, which look like one sara ae
    r"|\u0e4d[\u0e48-\u0e4b]?\u0e32"  # nikhahit and sara aa, which look like one sara am
    rf"|(?<!{CONSONANT})[\u0e31\u0e34-\u0e3a\u0e47]"  # a vowel above or below nothing
    r"|(?<![\u0e01-\u0e2e\u0e31\u0e34-\u0e39])[\u0e48-\u0e4c]"  # a tone or a silencer on nothing
    rf"|[\u0e40-\u0e44](?!{CONSONANT})"  # a vowel that is written before no consonant
)
"""Signs that the table of cells of WTT 2.0 (Thai Industrial Standard 1566) rejects, or that are made of two others."""


def letters_of(text: str) -> list[str]:
    """The letters of *text*, without marks, digits and signs."""
    return [one for one in text if unicodedata.category(one).startswith("L")]


def foreign_letters(code: str, text: str) -> set[str]:
    """The letters of *text* that are neither of the language nor Latin."""
    allowed = (LETTERS[code], LATIN)
    return {one for one in letters_of(text) if not unicodedata.name(one).startswith(allowed)}


def has_own_letters(code: str, text: str) -> bool:
    """Whether anything in *text* is written in the letters of the language."""
    return any(unicodedata.name(one).startswith(LETTERS[code]) for one in letters_of(text))


def thai_faults(text: str) -> list[str]:
    """The parts of *text* that nobody can read as Thai."""
    return [found.group() for found in THAI_FAULTS.finditer(text)]
