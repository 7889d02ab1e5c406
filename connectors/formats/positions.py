"""Places as lists write them: degrees, micro-degrees, degrees with minutes and seconds, or an EPSG system. Pure.

The city's file says which (``coordinates``) and in which order (``axes``). Nothing is guessed: what is written otherwise is
set aside, and the error names the setting that would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from connectors.base import SourceContext
from connectors.formats.projections import check_projection, to_degrees
from connectors.formats.records import a_number
from connectors.formats.records import position as position_of
from schemas.errors import Invalid

DEGREES, MICRO, DMS = "degrees", "micro-degrees", "dms"
_PER_MICRO = 1_000_000
LAT, LON = "position.lat", "position.lon"
_LETTERS = {LAT: {"N": 1, "S": -1}, LON: {"E": 1, "W": -1}}
_NUMBER = r"[0-9]{1,2}(?:\.[0-9]+)?"
_SIGNS = re.compile(
    rf"([0-9]{{1,3}})\s*[°º˚도]\s*({_NUMBER})\s*['′’´분]\s*(?:({_NUMBER})\s*(?:[\"″”초]|''|′′|’’))?"
)
_PLAIN = re.compile(rf"([0-9]{{1,3}})(\s*[-:]\s*|\s+)([0-9]{{1,2}})\2({_NUMBER})")
_AROUND = re.compile(r"([-+])?\s*([NSEWnsew])?\s*(.*?)\s*([NSEWnsew])?", re.DOTALL)
_POINT = re.compile(
    r"\s*(?:SRID=[0-9]+;\s*)?(?:POINT\s*(?:ZM?|M)?\s*)?[(\[]([^()\[\]]*)[)\]]\s*", re.IGNORECASE
)
_FULL_WIDTH = re.compile("[０-９]")
MINUTES, LAT_MAX, LON_MAX = 60, 90, 180
OTHER_ORDER = 'axes = "lon lat"'


def a_form(form: str) -> str:
    """*form* itself, for a setting. ``ValueError`` for none that can be read."""
    if form not in (DEGREES, MICRO, DMS):
        if not form.startswith("EPSG:"):
            raise ValueError(f"{DEGREES}, {MICRO}, {DMS}, or an EPSG system such as EPSG:5179")
        check_projection(form)
    return form


Coordinates = Annotated[str, AfterValidator(a_form)]
Axes = Literal["lat lon", "lon lat"]
COORDINATES_TOLD = (
    "how lat and lon are written: degrees, micro-degrees, dms (36°21'04.1\"N, 36-21-04.1), or an EPSG system "
    "(EPSG:5179; lat is its northing, lon its easting), which needs pip install 'bongsu[geo]'"
)
AXES_TOLD = "what the columns lat and lon hold, in this order; lon lat where they are the wrong way round"


@dataclass(frozen=True, slots=True)
class PlaceForm:
    """The settings by which the two values of a place are read. Signs are of degrees and micro-degrees only.

    *other_order*: the setting that turns them round, for an error.
    """

    coordinates: str = DEGREES
    is_swapped: bool = False
    latitude_sign: int = 1
    longitude_sign: int = 1
    other_order: str = OTHER_ORDER

    def position(self, context: SourceContext, lat: Any, lon: Any) -> dict[str, Any] | None:
        """The place of the columns *lat* and *lon*; ``None`` where both hold nothing, or 0,0.

        ``Invalid`` for what is written in another way, is no place on earth, or lies outside the city.
        """
        if lat in (None, "") and lon in (None, ""):
            return None
        first, second = (lon, lat) if self.is_swapped else (lat, lon)
        north, east = self._degrees(first, second)
        try:
            return position_of(context, north, east)
        except Invalid as error:
            raise self._explained(error, context, (first, second), (north, east)) from None

    def _degrees(self, lat: Any, lon: Any) -> tuple[float, float]:
        if self.coordinates == DMS:
            return _of_dms(lat, LAT), _of_dms(lon, LON)
        north, east = _a_coordinate(lat, LAT), _a_coordinate(lon, LON)
        if self.coordinates == MICRO:
            if not (north.is_integer() and east.is_integer()):
                field = LON if north.is_integer() else LAT
                raise Invalid("micro-degrees are whole numbers", field=field, expected="a whole number")
            north, east = north / _PER_MICRO, east / _PER_MICRO
        elif self.coordinates != DEGREES:  # 0,0 is no place of any system either
            return (0.0, 0.0) if north == east == 0 else to_degrees(self.coordinates)(north, east)
        return north * self.latitude_sign, east * self.longitude_sign

    def _explained(
        self, error: Invalid, context: SourceContext, said: tuple[Any, Any], read: tuple[float, float]
    ) -> Invalid:
        """*error* with the setting that would read the place, where one would."""
        north, east = read
        is_epsg = self.coordinates.startswith("EPSG:")
        if self.coordinates == DEGREES and max(abs(north), abs(east)) > LON_MAX:
            setting = 'of an EPSG system? coordinates = "EPSG:…" says which'
        elif context.bounds.holds(east, north) or abs(east) <= LAT_MAX < abs(north):
            setting = f"the other way round? {self.other_order} says so"
        elif is_epsg and self._is_inside(context, said[1], said[0]):
            setting = f"easting before northing? {self.other_order} says so"
        else:
            return error
        return Invalid(f"{error.what} ({setting})", field=error.field, expected=error.expected)

    def _is_inside(self, context: SourceContext, lat: Any, lon: Any) -> bool:
        try:
            return context.bounds.holds(*self._degrees(lat, lon))
        except Invalid:
            return False


def two_of_point(cell: Any, coordinates: str) -> tuple[Any, Any]:
    """The two values of a point: of a list as GeoJSON has it, or of a text such as ``POINT(127.1 37.2)``, ``(35.1, 129.0)``.

    Minutes and seconds may have spaces and letters: the two values of such a text have a comma or semicolon between them.
    """
    if cell is None:
        return None, None
    parts = cell
    if isinstance(cell, str):
        inside = _POINT.fullmatch(cell)
        text = inside[1].strip() if inside else cell.strip()
        parts = re.split(r"\s*[,;]\s*" if coordinates == DMS else r"\s*[,;]\s*|\s+", text)
    if not isinstance(parts, list) or len(parts) not in (2, 3):  # GeoJSON's third is the height
        raise Invalid("the point is no pair of numbers", field="position", expected="two numbers")
    return parts[0], parts[1]


def _a_coordinate(value: Any, field: str) -> float:
    """As ``a_number``; a text of degrees, minutes and seconds is named as such."""
    try:
        return a_number(value, field)
    except Invalid as error:
        if isinstance(value, str) and _parts(value) is not None:
            raise Invalid(
                f'{field} has minutes and seconds (coordinates = "dms" reads them)',
                field=field,
                expected="a number",
            ) from None
        raise _in_other_digits(value, field) or error from None


def _in_other_digits(value: Any, field: str) -> Invalid | None:
    """The error for a text with full-width digits; ``None`` for any other value."""
    if not isinstance(value, str) or _FULL_WIDTH.search(value) is None:
        return None
    what = f'{field} has full-width digits (digits = "full-width" reads them)'
    return Invalid(what, field=field, expected="digits of ASCII")


def _parts(text: str) -> tuple[str, str, tuple[str, str, str]] | None:
    """Of degrees with minutes the sign, the letters before and after, and the three numbers; ``None`` for other text."""
    around = _AROUND.fullmatch(text.strip())
    if around is None:
        return None
    sign, before, body, after = around.groups(default="")
    if found := _SIGNS.fullmatch(body):
        numbers = (found[1], found[2], found[3] or "0")
    elif found := _PLAIN.fullmatch(body):
        numbers = (found[1], found[3], found[4])
    else:
        return None
    return sign, (before + after).upper(), numbers


def _of_dms(value: Any, field: str) -> float:
    """Degrees of a text of degrees, minutes and seconds: ``36°21'04.1"N``, ``36-21-04.1``, ``36도 21분``, ``36°21.5'``.

    ``Invalid`` for anything else: a letter of the other axis, a sign beside a letter, minutes or seconds of 60.
    """
    parts = _parts(value) if isinstance(value, str) else None
    if parts is None:
        raise _in_other_digits(value, field) or Invalid(
            f"{field} is not written in degrees, minutes and seconds",
            field=field,
            expected='36°21\'04.1"N or 36-21-04.1, as coordinates = "dms" says',
        )
    sign, letters, (degrees, minutes, seconds) = parts
    if letters and (sign or letters not in _LETTERS[field]):
        raise Invalid(
            f"{field} has a letter of another axis, or a sign beside one",
            field=field,
            expected=f"{' or '.join(_LETTERS[field])}, or a sign",
        )
    has_both = "." in minutes and float(seconds) != 0
    if float(minutes) >= MINUTES or float(seconds) >= MINUTES or has_both:
        raise Invalid(f"{field} has no such minutes or seconds", field=field, expected="0 to below 60")
    found = int(degrees) + float(minutes) / 60 + float(seconds) / 3600
    return found * (_LETTERS[field][letters] if letters else -1 if sign == "-" else 1)
