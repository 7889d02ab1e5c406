"""A person's looks by ONVIF's human body and human face (``humanbody.xsd``, ``humanface.xsd``), as XML or as JSON.

Of a face only what anybody sees from afar is read: sex, age, hair's length, hat. Its features are counted as skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from connectors.formats.xml import Element
from connectors.sources._onvif_parts import likelihood, number
from connectors.subjects.people import Traits

PARTS = ("HumanFace", "HumanBody")
READ_OF_FACES = ("Gender", "Age", "Hair", "Accessory", "#text")
GARMENTS = (("Tops", "tops", "upper_colour"), ("Bottoms", "bottoms", "lower_colour"))
DEPTH_MAX = 8
SPACES = "http://www.onvif.org/ver10/colorspace/"
Person = Mapping[str, Any]
"""``HumanFace`` and ``HumanBody`` as mappings, names without prefixes; attributes are members named ``@…``."""


def of_xml(appearance: Element) -> Person:
    """Return what an ``Appearance`` says of a person; empty where it says nothing."""
    found = {}
    for part in appearance:
        if isinstance(part.tag, str) and (name := etree.QName(part).localname) in PARTS:
            found[name] = _plain(part, 1)
    return found


def of_json(appearance: Mapping[str, Any]) -> Person:
    """The same of an ``Appearance`` as JSON."""
    return {name: _bare(appearance[name], 1) for name in PARTS if name in appearance}


def tell_traits(person: Person, traits: Traits, skipped: Counter[str]) -> None:
    """Tell *traits* all that *person* says. ``Invalid`` for a number that is none."""
    face, body = (_part(person, name) for name in PARTS)
    if any(name not in READ_OF_FACES for name in face):
        skipped["features of a face"] += 1
    for part, said in (("gender", face.get("Gender")), ("hair", _part(face, "Hair").get("Length"))):
        _say(traits, part, said)
    _say(traits, "hat", _part(face, "Accessory", "Hat").get("Wear"))
    age = _part(face, "Age")
    if "Min" in age and "Max" in age:
        traits.age(number(_text(age["Min"]), "Age.Min"), number(_text(age["Max"]), "Age.Max"))
    for name, part, attribute in GARMENTS:
        garment = _part(body, "Clothing", name)
        _say(traits, part, garment.get("Category"))
        _say(traits, f"{part}_style", garment.get("Style"))
        _colour(_part(garment, "Color"), attribute, traits, skipped)
    for belongings in ("Belonging", "Belongings"):
        for bag in _many(_part(body, belongings).get("Bag")):
            _say(traits, "bag", bag.get("Category", "Other"))


def _say(traits: Traits, part: str, said: Any) -> None:
    if text := _text(said):
        traits.say(part, text)


def _colour(descriptor: Person, attribute: str, traits: Traits, skipped: Counter[str]) -> None:
    """Tell the colour of the cluster that covers most."""
    clusters = [*_many(descriptor.get("ColorCluster"))]
    if not clusters:
        return
    most = max(clusters, key=lambda one: number(_text(one.get("Weight", 0)), "Weight"))
    measured = _part(most, "Color")
    share = likelihood(measured.get("@Likelihood"))
    if name := _text(most.get("ColorName")):
        traits.colour_named(attribute, name, share)
        return
    rgb = _rgb(measured, str(descriptor.get("@Colorspace", "")))
    if rgb is None:
        skipped["colour of a person in a space that is not read"] += 1
    else:
        traits.colour_measured(attribute, rgb, share)


def _rgb(measured: Person, above: str) -> tuple[float, float, float] | None:
    """sRGB, 0 to 1, of a colour in YCbCr (ITU-R BT.601; the default) or RGB; ``None`` for the deprecated spaces."""
    space = str(measured.get("@Colorspace", above) or f"{SPACES}YCbCr")
    if not {"@X", "@Y", "@Z"} <= measured.keys():
        return None
    x, y, z = (number(measured[f"@{axis}"], f"Color.{axis}") for axis in "XYZ")
    match space.removeprefix(SPACES):
        case "RGB":
            red, green, blue = x, y, z
        case "YCbCr":
            red = x + 1.402 * (z - 128)
            green = x - 0.344136 * (y - 128) - 0.714136 * (z - 128)
            blue = x + 1.772 * (y - 128)
        case _:
            return None
    red, green, blue = (min(max(part / 255, 0.0), 1.0) for part in (red, green, blue))
    return red, green, blue


def _plain(element: Element, depth: int) -> Any:
    """An element as a mapping; deeper than the standard's ones nothing is read."""
    found: dict[str, Any] = {f"@{etree.QName(name).localname}": value for name, value in element.items()}
    for part in element if depth < DEPTH_MAX else ():
        if isinstance(part.tag, str):
            name = etree.QName(part).localname
            found[name] = [*_many(found.get(name)), _plain(part, depth + 1)]
    return found | {"#text": (element.text or "").strip()}


def _bare(value: Any, depth: int) -> Any:
    """A member of JSON without the prefixes of its names."""
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, list):
        return [_bare(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {
            name if name.startswith("@") else name.rpartition(":")[2]: _bare(one, depth + 1)
            for name, one in value.items()
        }
    return value


def _part(within: Person, *names: str) -> Person:
    for name in names:
        within = next(_many(within.get(name)), {})
    return within


def _many(value: Any) -> Iterator[Person]:
    return (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("#text")
    return "" if value is None else str(value).strip()
