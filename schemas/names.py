"""Names that people give to agencies and accounts, in any script. Pure.

One name has one spelling here (Unicode's NFC), so that what one keyboard composes and another leaves apart is the same. A
name never becomes part of a topic, a file's path or a principal: those have ids of our own. It is printed, logged and
stored, so it holds nothing that a terminal obeys, that reverses what stands after it, or that parts a path.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

NAME_LETTERS_MAX = 64
SEPARATORS = "/\\"
JOINERS = "\u200c\u200d"
"""Invisible letters that Persian and the scripts of India are written with."""
OBEYED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's general categories of what is no letter: controls, formats (of which some turn the direction of writing),
halves of letters, what is private or not assigned, and ends of lines."""


def spelt(name: str) -> str:
    """*name* in its one spelling. ``ValueError`` says what in it can be part of no name."""
    one = unicodedata.normalize("NFC", name)
    if not one.strip():
        raise ValueError("at least one letter")
    if one != one.strip():
        raise ValueError("no blank before or after it")
    if any(unicodedata.category(letter) in OBEYED and letter not in JOINERS for letter in one):
        raise ValueError("no control characters, and none that turn the direction of writing")
    return one


def account_name(name: str) -> str:
    """*name* of an account, in its one spelling: short, and neither a path nor an option of a command."""
    one = spelt(name)
    if len(one) > NAME_LETTERS_MAX:
        raise ValueError(f"at most {NAME_LETTERS_MAX} letters")
    if any(letter in SEPARATORS for letter in one) or one in {".", ".."}:
        raise ValueError("no '/' and no '\\', as in a path")
    if one.startswith("-"):
        raise ValueError("no '-' at its beginning, as in an option of a command")
    return one


def is_same_name(one: str, other: str) -> bool:
    """Whether people would take the two for one: case and spelling do not tell names apart."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


AgencyName = Annotated[str, AfterValidator(spelt)]
"""An agency, as a city's file calls it."""
