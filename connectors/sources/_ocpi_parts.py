"""Objects of OCPI that a platform pushes by their address: a location, one EVSE of it, a connector, a session. Pure.

The address holds the ids that the body leaves out (2.2.1, 8.2.2): ``locations/BE/BEC/LOC1/3256`` is the EVSE 3256. A PUT
says an object whole, a PATCH the fields that changed: all else stays as it was, so whole locations are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.formats.records import a_text, an_id
from connectors.formats.times import iso_ms
from connectors.subjects.plausible import known_id
from schemas.errors import Invalid

LOCATIONS, SESSIONS = "locations", "sessions"
OWNER = ("country_code", "party_id", "id")
METHODS = ("PUT", "PATCH")
BYTES_MAX = 256 * 1024
"""Of the whole locations that are remembered, in all: they go with each write of the source's place."""
KEPT = (*OWNER, "publish", "name", "address", "postal_code", "city", "opening_times", "last_updated")
FORM = "locations/BE/BEC/LOC1/3256 or sessions/BE/BEC/101"


@dataclass(frozen=True, slots=True)
class Pushed:
    """One object as it was pushed. *ids*: country, party, its own id, and of a location those of the part within it."""

    kind: str
    ids: tuple[str, ...]
    is_patch: bool
    body: Mapping[str, Any]

    @property
    def object_id(self) -> str:
        return "*".join(self.ids[:3])

    @property
    def owner(self) -> dict[str, str]:
        return dict(zip(OWNER, self.ids[:3], strict=True))


def is_pushed(said: object) -> bool:
    return isinstance(said, dict) and said.keys() >= {"object", "method", "body"}


def pushed_of(said: Mapping[str, Any]) -> Pushed:
    """The object in ``{"object": address, "method": "PUT" or "PATCH", "body": …}``. ``Invalid`` for anything else."""
    kind, *ids = a_text(said["object"], "object").strip("/").split("/")
    if kind not in (LOCATIONS, SESSIONS) or not 3 <= len(ids) <= (5 if kind == LOCATIONS else 3):
        raise Invalid("the object's address is none", field="object", expected=FORM)
    if said["method"] not in METHODS:
        raise Invalid("the method is none", field="method", expected=" or ".join(METHODS))
    if not isinstance(said["body"], dict):
        raise Invalid("the body is no object", field="body", expected="an object of OCPI")
    checked = tuple(known_id(an_id(one, "object"), "object") for one in ids)
    return Pushed(kind, checked, said["method"] == "PATCH", said["body"])


def reduced(location: Mapping[str, Any]) -> dict[str, Any]:
    """*location* without what its events do not need."""
    at, operator = location.get("coordinates"), location.get("operator")
    return {
        **{name: location[name] for name in KEPT if location.get(name) is not None},
        "coordinates": at if isinstance(at, dict) else None,
        "operator": {"name": operator.get("name")} if isinstance(operator, dict) else None,
        "evses": [
            {
                **{name: evse[name] for name in ("uid", "status", "last_updated") if name in evse},
                "connectors": [
                    {name: one[name] for name in ("id", "standard") if name in one}
                    for one in _objects(evse.get("connectors"))
                ],
            }
            for evse in location.get("evses") or ()
        ],
    }


def _objects(said: object) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def changed(whole: Mapping[str, Any] | None, pushed: Pushed) -> dict[str, Any]:
    """The location as it is after *pushed*; *whole*: as it was, ``None`` where that is not known.

    ``Invalid`` for a part of what is not known, and for what changes without a time.
    """
    a_text(pushed.body.get("last_updated"), "last_updated")
    if len(pushed.ids) == 3 and not pushed.is_patch:
        return {**pushed.body, **pushed.owner}
    if whole is None:
        raise Invalid(
            "the location of this part is not known",
            field="object",
            expected="the whole location before (PUT)",
        )
    if len(pushed.ids) == 3:
        return {**whole, **pushed.body, **pushed.owner}
    evses = _with(whole.get("evses", []), "uid", pushed.ids[3:], pushed)
    stated = [str(one["last_updated"]) for one in (whole, pushed.body) if one.get("last_updated")]
    newest = max(stated, key=lambda text: iso_ms(text, "last_updated", is_utc=True))
    return {**whole, "evses": evses, "last_updated": newest}


def _with(
    parts: list[dict[str, Any]], name: str, ids: tuple[str, ...], pushed: Pushed
) -> list[dict[str, Any]]:
    """*parts* with the one of that id changed, or the part within it that further *ids* name."""
    own_id, *inner = ids
    before = next((one for one in parts if str(one.get(name)) == own_id), None)
    if before is None and (inner or pushed.is_patch):
        raise Invalid("this part is not known", field="object", expected="the whole part before (PUT)")
    if inner:
        after = {
            **(before or {}),
            "connectors": _with((before or {}).get("connectors", []), "id", tuple(inner), pushed),
        }
    else:
        after = {**((before or {}) if pushed.is_patch else {}), **pushed.body, name: own_id}
    return [after if one is before else one for one in parts] if before is not None else [*parts, after]


def part_time(whole: Mapping[str, Any], pushed: Pushed) -> str | None:
    """When the EVSE of *pushed* last changed, as far as *whole* says."""
    found = (
        one.get("last_updated") for one in whole.get("evses", ()) if str(one.get("uid")) == pushed.ids[3]
    )
    stated = next(found, None)
    return stated if isinstance(stated, str) else None


def bounded(wholes: Mapping[str, Any]) -> dict[str, Any]:
    """The newest of *wholes*, ``BYTES_MAX`` in all."""
    kept: list[tuple[str, Any]] = []
    size = 0
    for hub_id, whole in reversed(list(wholes.items())):
        size += len(orjson.dumps(whole)) + len(hub_id) + 8
        if size > BYTES_MAX:
            break
        kept.append((hub_id, whole))
    return dict(reversed(kept))
