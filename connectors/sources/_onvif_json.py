"""ONVIF metadata as JSON over MQTT (26.06): attributes are members named ``@…``, text is ``#text``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.formats.json_parts import Unreadable
from connectors.formats.records import id_or_none, readable
from connectors.sources._onvif_parts import (
    AS_IT_IS,
    Claim,
    Frame,
    Happening,
    Thing,
    Transformation,
    gone_ids,
    likelihood,
    number,
)
from connectors.sources._onvif_people import of_json
from schemas.errors import Invalid

STANDS_FOR = {
    "LicensePlateInfo": "LicensePlate",
    "HumanFace": "HumanFace",
    "HumanBody": "Human",
    "BarcodeInfo": "Barcode",
}


def many(value: Any, name: str) -> list[dict[str, Any]]:
    """The objects that *value* is or lists; none where there is nothing. ``Unreadable`` passes for an object."""
    if value is None:
        return []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict | Unreadable) for one in found):
        raise Invalid(f"{name} is no object", field=name, expected="an object, or several")
    return found


def part(value: dict[str, Any], name: str) -> dict[str, Any]:
    return next(iter(many(value.get(name), name)), {})


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("#text")
    return None if value is None or isinstance(value, list | dict) else str(value).strip()


def _object_id(value: dict[str, Any]) -> str | None:
    return id_or_none(value.get("@ObjectId"), "@ObjectId")


def _object_ids(value: dict[str, Any], name: str) -> list[str]:
    return [its_id for one in many(value.get(name), name) if (its_id := _object_id(one)) is not None]


def frame_of(frame: dict[str, Any]) -> Frame:
    time = frame.get("@UtcTime")
    if not isinstance(time, str):
        raise Invalid("the frame has no time", field="@UtcTime", expected="ISO 8601")
    return Frame(time, _text(frame.get("@Source")) or "", _transformation(frame), list(_gone(frame)))


def _transformation(frame: dict[str, Any]) -> Transformation:
    if "Transformation" not in frame:
        return AS_IT_IS
    scale, move = (part(part(frame, "Transformation"), name) for name in ("Scale", "Translate"))
    return Transformation(
        number(scale.get("@x", 1), "Scale.x"),
        number(scale.get("@y", 1), "Scale.y"),
        number(move.get("@x", 0), "Translate.x"),
        number(move.get("@y", 0), "Translate.y"),
    )


def _gone(frame: dict[str, Any]) -> Iterator[str]:
    tree = part(frame, "ObjectTree")
    for name in ("Rename", "Split", "Merge"):
        for change in many(tree.get(name), name):
            yield from gone_ids(*(_object_ids(change, end) for end in ("From", "To")))
    yield from _object_ids(tree, "Delete")


def thing_of(value: dict[str, Any]) -> Thing:
    """One member of ``Object``. ``Invalid`` for what is of another shape than the standard's."""
    thing = Thing(_object_id(readable(value)))
    appearance, behaviour = part(value, "Appearance"), part(value, "Behaviour")
    box = part(part(appearance, "Shape"), "BoundingBox")
    if box:
        left, top, right, bottom = (
            number(box.get(f"@{edge}"), f"BoundingBox.{edge}") for edge in ("left", "top", "right", "bottom")
        )
        thing.edges = (left, top, right, bottom)
    thing.claims = list(_claims(appearance))
    thing.person = of_json(appearance)
    at = part(appearance, "GeoLocation")
    thing.lat, thing.lon = at.get("@lat"), at.get("@lon")
    thing.is_removed = "Removed" in behaviour
    thing.has_plate = "LicensePlateInfo" in appearance
    if "Idle" in behaviour:
        thing.attributes.append(("event", "idle", None))
    if (speed := _text(behaviour.get("Speed"))) is not None:
        thing.speed = number(speed, "Speed")
    for cluster in many(part(appearance, "Color").get("ColorCluster"), "ColorCluster"):
        name = next((_text(cluster[key]) for key in cluster if key.rpartition(":")[2] == "ColorName"), None)
        if name:
            thing.attributes.append(("colour", name, likelihood(cluster.get("Weight"))))
    for vehicle in many(appearance.get("VehicleInfo"), "VehicleInfo"):
        for name in ("Brand", "Model"):
            if text := _text(vehicle.get(name)):
                thing.attributes.append((name.lower(), text, _share(vehicle[name])))
    return thing


def _share(value: Any) -> float | None:
    return likelihood(value.get("@Likelihood")) if isinstance(value, dict) else None


def _claims(appearance: dict[str, Any]) -> list[Claim]:
    its_class = part(appearance, "Class")
    types = its_class.get("Type", [])
    claims: list[Claim] = [
        (word, _share(one)) for one in (types if isinstance(types, list) else [types]) if (word := _text(one))
    ]
    for one in many(its_class.get("ClassCandidate"), "ClassCandidate"):
        if word := _text(one.get("Type")):
            claims.append((word, likelihood(_text(one.get("Likelihood")))))
    for vehicle in many(appearance.get("VehicleInfo"), "VehicleInfo"):
        if word := _text(vehicle.get("Type")):
            claims.append((word, _share(vehicle["Type"])))
    if not claims:
        claims += [(word, None) for name, word in STANDS_FOR.items() if name in appearance][:1]
    return claims


def happening_of(value: dict[str, Any], topic: str | None) -> Happening:
    time = value.get("UtcTime")
    if not isinstance(time, str):
        raise Invalid("the event has no time", field="UtcTime", expected="ISO 8601")
    operation = value.get("PropertyOperation")
    groups = {name: part(value, name) for name in ("Source", "Key", "Data")}
    plain = {
        name: {item: str(said) for item, said in group.items() if isinstance(said, str | int | float | bool)}
        for name, group in groups.items()
    }
    return Happening(
        topic,
        time,
        operation if isinstance(operation, str) else None,
        plain["Source"],
        plain["Key"] | plain["Data"],
    )
