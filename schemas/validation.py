"""The faults that pydantic finds, in our own words: the place, a sentence, and the words that may stand there. Pure.

Pydantic's own messages speak of inputs, dictionaries and instances, and its places name the members of a union. None of that
is for a person who writes a city's file. A value is never in a sentence: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

Place = tuple[str | int, ...]
MISSING, EXTRA = "missing", "extra_forbidden"
OURS = ("value_error", "assertion_error")
"""Raised by validators of ours: the message is a sentence of ours already."""
_OTHERWISE = "cannot stand here"
_CHOICE = re.compile(r"'((?:[^'\\]|\\.)*)'")


class Fault(NamedTuple):
    """One fault: its place as keys and numbers, pydantic's kind of it, our sentence, and the words that may stand there."""

    where: Place
    kind: str
    what: str
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(map(str, self.where))


def faults_of(error: ValidationError, raw: Any = None) -> list[Fault]:
    """All faults in *error*, one for each place. *raw* is the text's tables, by which each place is made certain."""
    found: dict[Place, Fault] = {}
    for one in error.errors(include_url=False, include_input=False):
        kind, context = one["type"], one.get("ctx", {})
        what = sentence(kind, context)
        where = one["loc"] if raw is None else place_in(raw, one["loc"], kind)
        if kind in OURS and raw is not None:
            where = _of_first_word(raw, where, what)
        before = found.get(where)
        choices = choices_of(kind, context)
        if before is None:
            found[where] = Fault(where, kind, what, choices)
        elif what not in before.what.split(", or "):  # another member of a union
            found[where] = before._replace(what=f"{before.what}, or {what}", choices=before.choices + choices)
    return list(found.values())


def first_fault(error: ValidationError, raw: Any = None) -> str:
    """The first fault in one line: its place and our sentence."""
    fault = faults_of(error, raw)[0]
    return f"{fault.name}: {fault.what}" if fault.where else fault.what


def place_in(raw: Any, where: Sequence[str | int], kind: str = "") -> Place:
    """*where* without the names of members of unions, which are no keys of *raw*. A place outside *raw* stays as it is."""
    if where and isinstance(raw, Mapping) and where[0] not in raw:
        return tuple(where)
    place: list[str | int] = []
    for number, part in enumerate(where):
        is_last = number == len(where) - 1
        if isinstance(raw, Mapping) and (part in raw or (is_last and kind == MISSING)):
            raw = raw.get(part)
        elif isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            continue
        place.append(part)
    return tuple(place)


def choices_of(kind: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of which one may stand there; none where it is no such choice."""
    if kind not in ("literal_error", "enum"):
        return ()
    return tuple(_CHOICE.findall(str(context.get("expected", ""))))


def sentence(kind: str, context: Mapping[str, Any]) -> str:
    """The fault of pydantic's *kind* as a sentence without its subject: "must be a whole number"."""
    if kind in OURS:
        return str(context.get("error", "")) or _OTHERWISE
    said = _SENTENCES.get(kind, _OTHERWISE)
    return said if isinstance(said, str) else said(context)


def _of_first_word(raw: Any, where: Place, what: str) -> Place:
    """The key at fault where a validator of a whole table begins its message with that key: ``columns.lat: …``."""
    table = raw
    for part in where:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):  # a place outside raw: the fault of a default
            return where
    inner: list[str] = []
    for part in (what.split() or [""])[0].rstrip(":,").split("."):
        if not isinstance(table, Mapping) or part not in table:
            break
        inner.append(part)
        table = table[part]
    return (*where, *inner)


def _counted(name: str, bound: str, what: str, many: str = "") -> Callable[[Mapping[str, Any]], str]:
    many = many or f"{what}s"

    def said(context: Mapping[str, Any]) -> str:
        count = context.get(name, 0)
        return f"must have at {bound} {count} {what if count == 1 else many}"

    return said


def _bound(name: str, words: str) -> Callable[[Mapping[str, Any]], str]:
    def said(context: Mapping[str, Any]) -> str:
        value = context.get(name)
        return f"must be {words} {f'{value:g}' if isinstance(value, float) else value}"

    return said


def _one_of(context: Mapping[str, Any]) -> str:
    return f"must be {context.get('expected') or 'another word'}"


def _pattern(context: Mapping[str, Any]) -> str:
    said = {
        r"^[a-z][a-z0-9-]*$": "must be lower-case letters, digits and '-', a letter first",
        r"\S": "must not be empty",
        "^https?://": "must begin with http:// or https://",
    }
    pattern = str(context.get("pattern", ""))
    return said.get(pattern, f"must have the form {pattern}")


_TRUTH, _WHOLE, _NUMBER, _TEXT = "true or false", "a whole number", "a number", "text in quotes"
_LIST, _TABLE = "a list [ … ]", "a table"
_DAY, _MOMENT, _CLOCK, _SPAN = (
    "a day such as 2026-01-31",
    "a time such as 2026-01-31T12:00:00Z",
    "a time of day such as 12:00:00",
    "a number of seconds",
)
_FORMS: dict[str, tuple[str, ...]] = {
    _TRUTH: ("bool_type", "bool_parsing"),
    _WHOLE: ("int_type", "int_parsing", "int_from_float"),
    _NUMBER: ("float_type", "float_parsing", "decimal_type", "decimal_parsing", "fraction_type", "fraction_parsing",
              "complex_type", "complex_str_parsing"),
    _TEXT: ("string_type", "bytes_type"),
    _LIST: ("list_type", "tuple_type", "set_type", "frozen_set_type", "deque_type", "iterable_type", "arguments_type"),
    _TABLE: ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type",
             "dataclass_exact_type", "named_tuple_type", "frozen_dict_type", "ordered_dict_type", "counter_type"),
    _DAY: ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
    _MOMENT: ("datetime_type", "datetime_parsing", "datetime_object_invalid", "datetime_from_date_parsing"),
    _CLOCK: ("time_type", "time_parsing"),
    _SPAN: ("time_delta_type", "time_delta_parsing"),
    "a path in quotes": ("path_type",),
    "a URL such as https://host/path": ("url_type", "url_parsing", "url_syntax_violation"),
    "a UUID": ("uuid_type", "uuid_parsing"),
    "a number that is not infinite, nor nan: a finite one": ("finite_number",),
}  # fmt: skip
"""Our word for a form → the kinds of fault that another form gives."""
_SENTENCES: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    **{kind: f"must be {form}" for form, kinds in _FORMS.items() for kind in kinds},
    MISSING: "is missing",
    EXTRA: "no such setting",
    "greater_than": _bound("gt", "greater than"),
    "greater_than_equal": _bound("ge", "at least"),
    "less_than": _bound("lt", "less than"),
    "less_than_equal": _bound("le", "at most"),
    "multiple_of": _bound("multiple_of", "a multiple of"),
    "int_parsing_size": "is too large a number",
    "string_too_short": _counted("min_length", "least", "letter"),
    "string_too_long": _counted("max_length", "most", "letter"),
    "bytes_too_short": _counted("min_length", "least", "byte"),
    "bytes_too_long": _counted("max_length", "most", "byte"),
    "too_short": _counted("min_length", "least", "entry", "entries"),
    "too_long": _counted("max_length", "most", "entry", "entries"),
    "url_too_long": _counted("max_length", "most", "letter"),
    "decimal_max_digits": _counted("max_digits", "most", "digit"),
    "decimal_max_places": _counted(
        "decimal_places", "most", "digit behind the point", "digits behind the point"
    ),
    "decimal_whole_digits": _counted(
        "whole_digits", "most", "digit before the point", "digits before the point"
    ),
    "string_pattern_mismatch": _pattern,
    "string_unicode": "is no text in UTF-8",
    "string_not_ascii": "must be of ASCII letters only",
    "bytes_invalid_encoding": "is damaged: its bytes cannot be read",
    "literal_error": _one_of,
    "enum": _one_of,
    "json_invalid": "is no JSON",
    "json_type": "is no JSON",
    "invalid_key": "has a key that is no text",
    "none_required": "must be left out",
    "recursion_loop": "holds itself",
    "recursion_depth_exceeded": "is nested too deep",
    "set_item_not_hashable": "holds an entry that is a list or a table",
    "date_past": "must be a day in the past",
    "date_future": "must be a day in the future",
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "timezone_naive": "must be a time without a zone",
    "timezone_aware": "must be a time with its zone, such as 2026-01-31T12:00:00Z",
    "timezone_offset": "must be a time of another zone",
    "url_scheme": lambda context: f"must begin with {context.get('expected_schemes')}",
    "uuid_version": "must be a UUID of another version",
    "union_tag_invalid": lambda context: (
        f"{context.get('discriminator')} must be {context.get('expected_tags')}"
    ),
    "union_tag_not_found": lambda context: f"needs {context.get('discriminator')}",
}
