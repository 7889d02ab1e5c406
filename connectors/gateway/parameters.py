"""Query parameters of the reading routes: their descriptions for OpenAPI, and their values. Pure.

A parameter that a route does not know is refused (422): a filter with a spelling mistake would else give everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.problems import Problem
from connectors.gateway.request_areas import POINTS_MAX, Holds, box_of, place_of, polygon_of
from schemas.iso_time import iso_time
from schemas.kinds import STATUSES, load_kinds

TEXT_MAX = 200
POLYGON_MAX = 4_000
WORDS_MAX = 10
VALUES_MAX = 50
LIMIT, LIMIT_MAX = 100, 500
RADIUS_M, RADIUS_M_MAX = 1_000.0, 50_000.0
DIGITS = re.compile(r"[0-9]{1,9}")
LOST_PLUS = re.compile(r"(T[^ ]*) (?=[0-9]{2}:?[0-9]{2}$)")
"""The space before an offset: a + in a query that is not written as %2B arrives as a space."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """*read* gives the value of one text, or raises ``ValueError``; *default*: the value where it is not given."""

    name: str
    about: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    default: Any = None
    is_several: bool = False
    is_needed: bool = False
    example: Any = field(default=None)

    def described(self) -> dict[str, Any]:
        """The parameter object of OpenAPI."""
        schema = dict(self.schema)
        if self.is_several:
            schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": VALUES_MAX}
        found = {
            "in": "query",
            "name": self.name,
            "description": self.about,
            "required": self.is_needed,
            "schema": schema,
        }
        return found if self.example is None else {**found, "example": self.example}


def arguments_of(known: Sequence[Parameter], given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Name → value for each of *known*. ``Problem`` 422 names a parameter that is wrong, unknown, missing or comes twice."""
    names = {one.name: one for one in known}
    texts: dict[str, list[str]] = {}
    for name, text in given:
        if name not in names:
            expected = " or ".join(sorted(names)) or "no parameter"
            raise wrong(name, f"there is no parameter {name[:40]!r} here", expected)
        texts.setdefault(name, []).append(text)
    return {name: _value(one, texts.get(name, [])) for name, one in names.items()}


def wrong(name: str, what: str, expected: str) -> Problem:
    return Problem(
        422, f"{name[:40]}: {what}", code="wrong-parameter", more={"field": name[:40], "expected": expected}
    )


def _value(one: Parameter, texts: Sequence[str]) -> Any:
    if not texts:
        if one.is_needed:
            raise wrong(one.name, "it is missing", one.about)
        return one.default
    if len(texts) > (VALUES_MAX if one.is_several else 1):
        raise wrong(one.name, f"it comes {len(texts)} times", one.about)
    try:
        values = [one.read(text) for text in texts]
    except ValueError as error:
        raise wrong(one.name, str(error), one.about) from error
    return values if one.is_several else values[0]


# -- how texts are read ----------------------------------------------------------------------------------------------


def _kind(text: str) -> str:
    if text not in load_kinds():
        raise ValueError(f"there is no kind {text[:40]!r}: see schemas/kinds.toml")
    return text


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text[:40]!r} is none of: {', '.join(allowed)}")
        return text

    return read


def _time(text: str) -> int:
    try:
        moment = iso_time(LOST_PLUS.sub(r"\1+", text))
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time") from None
    if not moment.has_offset:
        raise ValueError("the offset is missing: write Z or +09:00 (in an address: %2B09:00)")
    return moment.utc_ms()


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.casefold().split())
    if not words or len(text) > TEXT_MAX or len(words) > WORDS_MAX:
        raise ValueError(f"1 to {WORDS_MAX} words in at most {TEXT_MAX} characters are needed")
    return words


def _id(text: str) -> str:
    if not 0 < len(text) <= TEXT_MAX:
        raise ValueError(f"1 to {TEXT_MAX} characters are needed")
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if DIGITS.fullmatch(text) is None or not least <= int(text) <= most:
            raise ValueError(f"{text[:20]!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def _radius(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= RADIUS_M_MAX:
        raise ValueError(f"{text[:20]!r} is no number of metres from 0 to {RADIUS_M_MAX:g}")
    return found


def _polygon(text: str) -> Holds:
    if len(text) > POLYGON_MAX:
        raise ValueError(f"it has more than {POLYGON_MAX} characters")
    return polygon_of(text)


_TEXT = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX}
KIND = Parameter(
    "kind",
    "A kind of the tree in kinds.toml, and all kinds below it: crash holds crash.pedestrian. May come several times.",
    {"type": "string", "enum": sorted(load_kinds().names)},
    _kind,
    is_several=True,
    example=["crash"],
)
STATUS = Parameter(
    "status",
    "The situation's status; may come several times. Without it: all but closed.",
    {"type": "string", "enum": list(STATUSES)},
    one_of(STATUSES),
    default=[one for one in STATUSES if one != "closed"],
    is_several=True,
    example=["open", "arrived"],
)
BBOX = Parameter(
    "bbox",
    "west,south,east,north in degrees; of rows with a place the ones within. West greater than east: across the date line.",
    {"type": "string", "maxLength": TEXT_MAX},
    box_of,
    example="127.2,36.2,127.6,36.5",
)
POLYGON = Parameter(
    "polygon",
    f"A GeoJSON Polygon, or lat,lon lat,lon …; at most {POINTS_MAX} points. Of rows with a place the ones within.",
    {"type": "string", "maxLength": POLYGON_MAX, "pattern": "^[ -~]*$"},  # a request's head has room for it
    _polygon,
    example="36.2,127.2 36.2,127.6 36.5,127.4",
)
SINCE = Parameter(
    "since",
    "ISO 8601 with offset: only what changed at that time or after. Give `newest_change` of the last answer.",
    {"type": "string", "format": "date-time"},
    _time,
    example="2026-03-08T09:00:00Z",
)
TEXT = Parameter(
    "text",
    f"Up to {WORDS_MAX} words, each of which must stand in a field that you may see: kind, case number, headline, reason …",
    _TEXT,
    _words,
    example="crash",
)
SITUATION = Parameter("situation_id", "Of this situation.", _TEXT, _id, example="3f2a")
AUDIENCE = Parameter("audience", "For this audience.", _TEXT, _id, example="119")
CAMERA = Parameter("camera_id", "Of this camera.", _TEXT, _id, example="C-17")
CURRENT = Parameter(
    "is_current",
    "true: those in force now; false: those that are revoked or have expired.",
    {"type": "string", "enum": ["true", "false"]},
    lambda text: one_of(("true", "false"))(text) == "true",
    example="true",
)
LIMITED = Parameter(
    "limit",
    f"At most so many; without it {LIMIT}.",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX},
    _whole(1, LIMIT_MAX),
    default=LIMIT,
    example=20,
)
CURSOR = Parameter(
    "cursor",
    "`next` of the page before, with the same filters.",
    {"type": "string", "maxLength": TEXT_MAX},
    _id,
)
NEAR = Parameter(
    "near",
    "lat,lon in degrees.",
    {"type": "string", "maxLength": TEXT_MAX},
    place_of,
    is_needed=True,
    example="36.35,127.38",
)
RADIUS = Parameter(
    "radius_m",
    f"Metres around near; without it {RADIUS_M:g}.",
    {"type": "number", "minimum": 0, "maximum": RADIUS_M_MAX},
    _radius,
    default=RADIUS_M,
    example=500,
)
PURPOSE = Parameter("purpose", "That the law lets be used for this.", _TEXT, _id, example="crime-prevention")
CAMERA_STATUS = Parameter(
    "status",
    "The camera's status; may come several times. Without it: ok.",
    {"type": "string", "enum": ["ok", "faulty", "retired"]},
    one_of(("ok", "faulty", "retired")),
    default=["ok"],
    is_several=True,
    example=["ok"],
)
FROM = Parameter(
    "from",
    "ISO 8601 with offset: the beginning of the time.",
    {"type": "string", "format": "date-time"},
    _time,
    is_needed=True,
    example="2026-03-08T00:00:00+09:00",
)
TO = Parameter(
    "to",
    "ISO 8601 with offset: its end, which is not within it; at most 25 hours after from.",
    {"type": "string", "format": "date-time"},
    _time,
    is_needed=True,
    example="2026-03-09T00:00:00+09:00",
)
AS_OF = Parameter(
    "as_of",
    "ISO 8601 with offset: as it was known then, from what had been written until that time.",
    {"type": "string", "format": "date-time"},
    _time,
    example="2026-03-08T09:00:00Z",
)
ONE = (AS_OF,)
RECORDED = (FROM, TO, LIMITED, CURSOR)
SITUATIONS = (KIND, STATUS, BBOX, POLYGON, SINCE, TEXT, LIMITED, CURSOR)
ALERTS = (KIND, SITUATION, AUDIENCE, BBOX, POLYGON, SINCE, TEXT, LIMITED, CURSOR)
GRANTS = (SITUATION, CAMERA, CURRENT, SINCE, LIMITED, CURSOR)
CAMERAS = (NEAR, RADIUS, PURPOSE, CAMERA_STATUS, LIMITED, CURSOR)
AREAS: Sequence[str] = ("bbox", "polygon")
__all__ = [
    "ALERTS",
    "AREAS",
    "CAMERA",
    "CAMERAS",
    "CURSOR",
    "FROM",
    "GRANTS",
    "LIMITED",
    "ONE",
    "RECORDED",
    "SITUATION",
    "SITUATIONS",
    "TO",
    "Holds",
    "Parameter",
    "arguments_of",
    "one_of",
    "wrong",
]
