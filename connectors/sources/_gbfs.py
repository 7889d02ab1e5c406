"""The feeds of GBFS, versions 1 to 3: which one a body is, and what each version calls a thing. Pure.

What changed: 1.x has neither types of vehicles nor ``version``, and booleans are 0 and 1. From 2.1 on
``vehicle_types`` names types; where a system has none, the standard says that all its vehicles are bicycles without a
motor. 3.0 calls bikes vehicles, writes times as RFC 3339 and texts as a list of ``{text, language}``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.formats.json import json_value
from connectors.formats.json_parts import Unreadable
from connectors.formats.records import a_text, an_id
from connectors.formats.times import epoch_ms, iso_ms
from connectors.subjects.plausible import EARLIEST_MS, LATEST_MS, known_id, plausible
from schemas.errors import Invalid

INFORMATION, STATUS, TYPES, SYSTEM = (
    "station_information",
    "station_status",
    "vehicle_types",
    "system_information",
)
VEHICLES = {"free_bike_status": "bikes", "vehicle_status": "vehicles"}
"""Feed of vehicles → its list: until 2.3, and from 3.0 on."""
LISTS = {**VEHICLES, INFORMATION: "stations", STATUS: "stations", TYPES: "vehicle_types"}
WANTED = (SYSTEM, TYPES, INFORMATION, STATUS, *VEHICLES)
DATA_OF = {
    "bikes": "free_bike_status",
    "vehicles": "vehicle_status",
    "vehicle_types": TYPES,
    "feeds": "gbfs",
    "versions": "gbfs_versions",
    "regions": "system_regions",
    "alerts": "system_alerts",
    "calendars": "system_calendar",
    "rental_hours": "system_hours",
    "plans": "system_pricing_plans",
    "geofencing_zones": "geofencing_zones",
    "system_id": SYSTEM,
}
"""A field of a feed's data → the feed. Stations are in two feeds."""
SAID_OF_STATE = frozenset({"num_bikes_available", "num_vehicles_available", "is_renting", "last_reported"})
ELECTRIC = frozenset({"electric", "electric_assist"})
FORMS = {"scooter": "scooter", "scooter_standing": "scooter", "scooter_seated": "scooter"}
WORDS = {"electric_bike": "electric_bicycle", "classic_bike": "bicycle", "bike": "bicycle"}
"""Words for types of feeds that have no list of types → ours."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed. *path*: where it stands in the body, for its records' bytes; *digest*: of all its content."""

    name: str
    updated_ms: int
    ttl_s: float
    data: Mapping[str, Any]
    path: str
    head: bytes
    digest: str

    @property
    def records(self) -> list[Any]:
        found: list[Any] = self.data[LISTS[self.name]]
        return found

    @property
    def list_path(self) -> str:
        return f"{self.path}data.{LISTS[self.name]}"

    @property
    def around(self) -> tuple[bytes, bytes]:
        """The bytes before and after one of its records that make a feed of its own of it."""
        return self.head + b',"data":{"' + LISTS[self.name].encode() + b'":[', b"]}}"


Broken = list[tuple[bytes, Invalid]]


def feed_value(body: bytes) -> Any:
    """*body* as JSON, with ``Unreadable`` in the place of the bad records of a feed. ``Invalid`` as ``json_value``."""
    lists = [f"data.{name}" for name in dict.fromkeys(LISTS.values())]
    return json_value(body, *lists, *(f"{feed}.data.{name}" for feed, name in LISTS.items()))


def feeds_in(body: bytes) -> tuple[dict[str, Feed], list[str], Broken]:
    """The feeds of *body*, the names of those without vehicles or hubs, and those that cannot be read.

    *body* is one feed as it is published, or several by name: ``{"station_status": {…}, …}``. ``Invalid`` for
    anything else.
    """
    value = feed_value(body)
    if not isinstance(value, dict):
        raise Invalid("the body is no GBFS feed", field="", expected="an object with data and last_updated")
    if "data" in value:
        name = _name_of(value)
        if name not in WANTED:
            return {}, [name], []
        return {name: _feed(name, value, "")}, [], []
    if not any(name in WANTED for name in value):
        raise Invalid("the body holds no feed of GBFS", field="", expected=", ".join(WANTED))
    feeds, broken = {}, []
    for name in WANTED:
        if name in value:
            try:
                feeds[name] = _feed(name, value[name], f"{name}.")
            except Invalid as error:
                broken.append((_written(value[name]), error))
    return feeds, [name for name in value if name not in WANTED], broken


def _name_of(value: Mapping[str, Any]) -> str:
    """The feed's name, by the fields of its data. ``Invalid`` for none that we know."""
    data = value["data"]
    if not isinstance(data, dict):
        raise Invalid("data is no object", field="data", expected="an object")
    stations = data.get("stations")
    if isinstance(stations, list):
        is_status = any(isinstance(one, dict) and SAID_OF_STATE & one.keys() for one in stations)
        return STATUS if is_status else INFORMATION
    if languages(data):
        return "gbfs"
    for key, name in DATA_OF.items():
        if key in data:
            return name
    raise Invalid("data is of no feed that GBFS has", field="data", expected=", ".join(DATA_OF))


def _feed(name: str, value: Any, path: str) -> Feed:
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
        raise Invalid(f"{name} is no feed", field=name, expected="an object with data")
    ttl = value.get("ttl", 0)
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not ttl >= 0:
        raise Invalid("ttl is no number of seconds", field="ttl", expected="0 or more")
    head = {key: value[key] for key in ("last_updated", "ttl", "version") if key in value}
    updated_ms = feed_time(value.get("last_updated"), "last_updated")
    digest = hashlib.blake2b(_written(value), digest_size=12).hexdigest()
    feed = Feed(name, updated_ms, float(ttl), value["data"], path, _written(head)[:-1], digest)
    if name in LISTS and not isinstance(feed.data.get(LISTS[name]), list):
        raise Invalid(f"{name} has no list", field=LISTS[name], expected="a list")
    return feed


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_bytes_of_unreadable)
    except TypeError:  # it nests too deep, or a number is beyond 64 bits
        pass
    try:
        return json.dumps(value, default=_bytes_of_unreadable).encode()
    except (RecursionError, ValueError):
        raise Invalid("the feed nests too deep", field="", expected="flat records") from None


def _bytes_of_unreadable(record: Unreadable) -> str:
    return record.original.hex()


def languages(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The lists of feeds in a discovery file: by language until 2.3, one without from 3.0 on."""
    if isinstance(data.get("feeds"), list):
        return {"": data["feeds"]}
    return {
        key: one["feeds"]
        for key, one in data.items()
        if isinstance(one, dict) and isinstance(one.get("feeds"), list)
    }


def addresses(body: bytes, language: str | None) -> dict[str, str]:
    """Feed → where it is, of the feeds that are wanted; empty where *body* is no discovery file."""
    try:
        value = json_value(body)
    except Invalid:
        return {}
    data = value.get("data") if isinstance(value, dict) else None
    found = languages(data) if isinstance(data, dict) else {}
    listed = found.get(language or "") or next(iter(found.values()), [])
    return {
        one["name"]: one["url"]
        for one in listed
        if isinstance(one, dict)
        and one.get("name") in WANTED
        and isinstance(one.get("url"), str)
        and one["url"].startswith(("http://", "https://"))
    }


# -- values ---------------------------------------------------------------------------------------------------


def feed_time(value: object, field: str) -> int:
    """Epoch ms of seconds since 1970, or of RFC 3339. ``Invalid`` otherwise."""
    if isinstance(value, str):
        return iso_ms(value, field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid(f"{field} is no time", field=field, expected="seconds since 1970, or RFC 3339")
    if not EARLIEST_MS <= value * 1000 <= LATEST_MS:
        raise Invalid(f"{field} is no time of ours", field=field, expected="seconds since 1970")
    return epoch_ms(value, field)


def yes_or_no(value: object, field: str) -> bool | None:
    """A boolean, or 0 and 1 as 1.x writes it. ``None`` where it is missing, ``Invalid`` otherwise."""
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return value == 1
    raise Invalid(f"{field} is neither true nor false", field=field, expected="true or false")


def a_count(value: object, field: str, noted: Counter[str]) -> int | None:
    """A number of things; ``None`` where it is missing, or, noted, where it cannot be (−1).

    ``Invalid`` for what is no whole number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid(f"{field} is no number of things", field=field, expected="0 or more")
    return plausible(value, "count", noted, field)


def in_language(value: object, language: str | None, field: str) -> str | None:
    """A text: as it is until 2.3, from 3.0 on the one in *language*, else the first."""
    if isinstance(value, list):
        texts = [one for one in value if isinstance(one, dict)]
        chosen = [one for one in texts if one.get("language") == language] or texts
        value = chosen[0].get("text") if chosen else None
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return a_text(value, field)


def vehicle_type(record: Mapping[str, Any]) -> tuple[str, str]:
    """(id, our word) of an entry of ``vehicle_types``. ``Invalid`` where it has no id."""
    form = a_text(record.get("form_factor"), "form_factor")
    word = FORMS.get(form, form)
    is_electric = record.get("propulsion_type") in ELECTRIC
    prefix = "electric_" if is_electric and word in ("bicycle", "cargo_bicycle", "scooter") else ""
    return known_id(an_id(record.get("vehicle_type_id"), "vehicle_type_id"), "vehicle_type_id"), prefix + word
