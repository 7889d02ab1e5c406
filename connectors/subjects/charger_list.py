"""The list of a city's chargers: a CSV with id, operator, lat and lon. Pure: text in, chargers out."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from schemas.errors import Invalid

COLUMNS = ("id", "operator", "lat", "lon")
CHARGERS_MAX = 100_000
CHARGER_ID = re.compile(r"[A-Za-z0-9*_.|=@-]{1,48}")
"""The letters of an identity of OCPP 2.0.1 (identifierString) without the colon, which HTTP Basic ends a user with."""


@dataclass(frozen=True, slots=True)
class ListedCharger:
    """A charger that the city knows. *place*: latitude and longitude, WGS-84; ``None`` where the list has none."""

    charger_id: str
    operator: str
    place: tuple[float, float] | None


def charger_list(text: str) -> dict[str, ListedCharger]:
    """The chargers of *text* by id. ``Invalid`` names the line that is wrong."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise Invalid(f"no column {missing[0]}", field=missing[0], expected=f"a heading {','.join(COLUMNS)}")
    found: dict[str, ListedCharger] = {}
    for row in rows:
        one = _charger(row, rows.line_num)
        if one.charger_id in found:
            raise Invalid(
                f"line {rows.line_num}: a charger of that id is there already",
                field="id",
                expected="each once",
            )
        found[one.charger_id] = one
        if len(found) > CHARGERS_MAX:
            raise Invalid("too many chargers", field="id", expected=f"{CHARGERS_MAX} at most")
    return found


def _charger(row: dict[str, str | None], line: int) -> ListedCharger:
    charger_id, operator = (row["id"] or "").strip(), (row["operator"] or "").strip()
    if not CHARGER_ID.fullmatch(charger_id):
        raise Invalid(f"line {line}: no id of a charger", field="id", expected="1 to 48 of A-Za-z0-9*_.|=@-")
    if not operator:
        raise Invalid(f"line {line}: no operator", field="operator", expected="who runs it")
    told = (row["lat"] or "").strip(), (row["lon"] or "").strip()
    if told == ("", ""):
        return ListedCharger(charger_id, operator, None)
    try:
        lat, lon = float(told[0]), float(told[1])
    except ValueError:
        lat, lon = 999.0, 999.0
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Invalid(f"line {line}: no place", field="lat", expected="degrees of WGS-84, or nothing")
    return ListedCharger(charger_id, operator, (lat, lon))
