"""ONVIF metadata as XML: whole streams, SOAP answers, and fragments without their namespaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from xml.sax.saxutils import quoteattr

from lxml import etree

from connectors.formats.xml import Element, check_unmarked, parsed_with_marks
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
    without_prefixes,
)
from connectors.sources._onvif_people import of_xml
from schemas.errors import Invalid

NAMESPACES = {
    "tt": "http://www.onvif.org/ver10/schema",
    "fc": "http://www.onvif.org/ver20/analytics/humanface",
    "bd": "http://www.onvif.org/ver20/analytics/humanbody",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "tns1": "http://www.onvif.org/ver10/topics",
    "tnsaxis": "http://www.axis.com/2009/event/topics",
}
_BEFORE = (
    "<tt:MetadataStream" + "".join(f' xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items()) + ">"
).encode()
_AFTER = b"</tt:MetadataStream>"
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")
TT, WSNT = "{http://www.onvif.org/ver10/schema}", "{http://docs.oasis-open.org/wsn/b-2}"
FRAME, OBJECT, SENSOR = f"{TT}Frame", f"{TT}Object", f"{TT}SensorData"
APPEARANCE, BEHAVIOUR, SHAPE, BOX = f"{TT}Appearance", f"{TT}Behaviour", f"{TT}Shape", f"{TT}BoundingBox"
CLASS, TYPE, CANDIDATE, LIKELIHOOD = f"{TT}Class", f"{TT}Type", f"{TT}ClassCandidate", f"{TT}Likelihood"
GEO, VEHICLE, PLATE, LABEL = f"{TT}GeoLocation", f"{TT}VehicleInfo", f"{TT}LicensePlateInfo", f"{TT}Label"
COLOUR, FACE, BODY, BARCODE = f"{TT}Color", f"{TT}HumanFace", f"{TT}HumanBody", f"{TT}BarcodeInfo"
TRANSFORMATION, SCALE, TRANSLATE, TREE = (
    f"{TT}Transformation",
    f"{TT}Scale",
    f"{TT}Translate",
    f"{TT}ObjectTree",
)
STANDS_FOR = {PLATE: "LicensePlate", FACE: "HumanFace", BODY: "Human", BARCODE: "Barcode"}
"""Elements that imply a class without naming it."""
Pair = tuple[str | None, str | None]


class Document:
    """One body of XML. A fragment is read as it stands, within a stream that has the usual namespaces."""

    def __init__(self, body: bytes) -> None:
        """``Invalid`` where it is neither."""
        self.body = body
        if b"xmlns" in body[:4096]:
            try:
                self.root, self._is_marked = parsed_with_marks(body)
                return
            except Invalid as error:
                if "document type" in error.what or "UTF-8" in error.what or "too long" in error.what:
                    raise
        within = _BEFORE + _DECLARATION.sub(b"", body, count=1) + _AFTER
        self.root, self._is_marked = parsed_with_marks(within)

    def whole(self, element: Element, *, beside: str | None = None) -> Element:
        """*element*; ``Invalid`` where a byte of no character stands in it, but for its children with the tag *beside*."""
        if self._is_marked:
            check_unmarked(element, beside=beside)
        return element

    def thing_of(self, element: Element) -> Thing:
        return thing_of(self.whole(element))

    def frames(self) -> Iterator[Element]:
        yield from self.root.iter(FRAME)

    def happenings(self) -> Iterator[Element]:
        """Notifications: by the standard's name, and by the one in the standard's own misprint."""
        yield from self.root.iter(f"{WSNT}NotificationMessage", f"{WSNT}NotficationMessage")

    def sensor_data(self) -> int:
        return sum(1 for _ in self.root.iter(SENSOR))

    @cached_property
    def _parts(self) -> dict[str, list[bytes]]:
        return {name: _slices(self.body, name) for name in ("Frame", "Object", "NotificationMessage")}

    @cached_property
    def _numbers(self) -> dict[str, dict[Element, int]]:
        """By tag, where each element stands among its like: asked for every bad one, so counted once."""
        return {}

    def original(self, element: Element) -> bytes:
        """The bytes of *element* as they came; where they cannot be found, as they were understood."""
        parts = self._parts.get(etree.QName(element).localname, [])
        numbers = self._numbers.get(element.tag)
        if numbers is None:
            numbers = {one: number for number, one in enumerate(self.root.iter(element.tag))}
            self._numbers[element.tag] = numbers
        if len(parts) == len(numbers):
            return parts[numbers[element]]
        return bytes(etree.tostring(element, with_tail=False))

    @cached_property
    def _inherited(self) -> dict[Element, dict[str | None, str]]:
        """By element, the namespaces that its children have from it: thousands of bad ones are children of one."""
        return {}

    def _namespaces(self, element: Element) -> dict[str | None, str]:
        parent = element.getparent()
        if parent is None or b"xmlns" in self.original(element).partition(b">")[0]:
            return dict(element.nsmap)
        if parent not in self._inherited:
            self._inherited[parent] = dict(parent.nsmap)
        return self._inherited[parent]

    def around(self, element: Element, frame: Element | None = None) -> tuple[bytes, bytes]:
        """The bytes that make a body of its own of *element*; *frame*: the one that an object stands in."""
        declared = _declared(tuple((NAMESPACES | self._namespaces(element)).items()))
        before, after = f"<tt:MetadataStream{declared}>".encode(), _AFTER
        if frame is None:
            return before, after
        attributes = "".join(
            f" {name}={quoteattr(value)}" for name, value in frame.items() if "{" not in name
        )
        before += f"<tt:Frame{attributes}>".encode()
        moved = frame.find(TRANSFORMATION)
        if moved is not None:
            before += etree.tostring(moved, with_tail=False)
        return before, b"</tt:Frame>" + after


@lru_cache(64)
def _declared(names: tuple[tuple[str | None, str], ...]) -> str:
    return "".join(f" xmlns{':' + name if name else ''}={quoteattr(uri)}" for name, uri in names)


def _slices(body: bytes, name: str) -> list[bytes]:
    tag = name.encode()
    opened = re.compile(rb"<((?:[\w.-]+:)?" + tag + rb")(?=[\s/>])[^>]*?(/?)>")
    found, at = [], 0
    while (start := opened.search(body, at)) is not None:
        closing = b"</" + start[1] + b">"
        end = start.end() if start[2] else body.find(closing, start.end()) + len(closing)
        if end < start.end():
            return []
        found.append(body[start.start() : end])
        at = end
    return found


def frame_of(frame: Element) -> Frame:
    return Frame(
        frame.get("UtcTime"),
        frame.get("Source") or "",
        _transformation(frame.find(TRANSFORMATION)),
        _gone(frame),
    )


def _transformation(element: Element | None) -> Transformation:
    if element is None:
        return AS_IT_IS
    scale, move = element.find(SCALE), element.find(TRANSLATE)
    return _of_numbers(
        ("1", "1") if scale is None else (scale.get("x"), scale.get("y")),
        ("0", "0") if move is None else (move.get("x"), move.get("y")),
    )


@lru_cache(1_024)
def _of_numbers(scale: Pair, move: Pair) -> Transformation:
    """A camera says the same in every frame."""
    return Transformation(
        number(scale[0], "Scale.x"),
        number(scale[1], "Scale.y"),
        number(move[0], "Translate.x"),
        number(move[1], "Translate.y"),
    )


def _gone(frame: Element) -> list[str]:
    tree = frame.find(TREE)
    if tree is None:
        return []
    gone: list[str] = []
    for change in tree:
        if change.tag == f"{TT}Delete":
            gone.append(change.get("ObjectId") or "")
            continue
        ends = {
            end: [one.get("ObjectId") or "" for one in change.findall(f"{TT}{end}")] for end in ("From", "To")
        }
        gone += gone_ids(ends["From"], ends["To"])
    return [one for one in gone if one]


def thing_of(element: Element) -> Thing:
    """One ``tt:Object``. ``Invalid`` for numbers that are none."""
    thing = Thing(element.get("ObjectId"))
    for part in element:
        if part.tag == APPEARANCE:
            _appearance(part, thing)
        elif part.tag == BEHAVIOUR:
            for one in part:
                if one.tag == f"{TT}Removed":
                    thing.is_removed = True
                elif one.tag == f"{TT}Idle":
                    thing.attributes.append(("event", "idle", None))
                elif one.tag == f"{TT}Speed":
                    thing.speed = number(one.text, "Speed")
    return thing


def _appearance(appearance: Element, thing: Thing) -> None:
    stand_ins: list[Claim] = []
    for part in appearance:
        tag = part.tag
        if tag == SHAPE:
            box = part.find(BOX)
            if box is not None:
                get = box.get
                thing.edges = (
                    number(get("left"), "BoundingBox.left"),
                    number(get("top"), "BoundingBox.top"),
                    number(get("right"), "BoundingBox.right"),
                    number(get("bottom"), "BoundingBox.bottom"),
                )
        elif tag == CLASS:
            _classes(part, thing)
        elif tag == GEO:
            thing.lat, thing.lon = part.get("lat"), part.get("lon")
        elif tag == VEHICLE:
            _vehicle(part, thing)
        elif tag == COLOUR:
            _colours(part, thing)
        elif tag == LABEL:
            ids = [(part.findtext(f"{TT}{name}") or "").strip() for name in ("Authority", "ID")]
            thing.attributes.append(("label", ":".join(ids), likelihood(part.get("Likelihood"))))
        elif tag in STANDS_FOR:
            thing.person = thing.person or (of_xml(appearance) if tag in (FACE, BODY) else {})
            stand_ins.append((STANDS_FOR[tag], None))
            thing.has_plate = thing.has_plate or tag == PLATE
    if not thing.claims:
        thing.claims = stand_ins[:1]


def _classes(element: Element, thing: Thing) -> None:
    for one in element:
        if one.tag == TYPE:
            thing.claims.append(((one.text or "").strip(), likelihood(one.get("Likelihood"))))
        elif one.tag == CANDIDATE:
            word = (one.findtext(TYPE) or "").strip()
            thing.claims.append((word, likelihood(one.findtext(LIKELIHOOD))))


def _vehicle(element: Element, thing: Thing) -> None:
    for one in element:
        name = etree.QName(one).localname
        text, share = (one.text or "").strip(), likelihood(one.get("Likelihood"))
        if name == "Type":
            thing.claims.append((text, share))
        elif name in ("Brand", "Model") and text:
            thing.attributes.append((name.lower(), text, share))


def _colours(element: Element, thing: Thing) -> None:
    """The names that vendors add; numbers in a colour space are left to the picture."""
    for cluster in element.iter(f"{TT}ColorCluster"):
        name = next((one.text for one in cluster if etree.QName(one).localname == "ColorName"), None)
        if name and name.strip():
            thing.attributes.append(("colour", name.strip(), likelihood(cluster.findtext(f"{TT}Weight"))))


def happening_of(notification: Element) -> Happening:
    topic = " ".join((notification.findtext(f"{WSNT}Topic") or "").split())
    message = next(notification.iter(f"{TT}Message"), None)
    if message is None:
        raise Invalid("the notification has no message", field="Message", expected="tt:Message")
    sources: dict[str, str] = {}
    items: dict[str, str] = {}
    for group, into in (("Source", sources), ("Key", items), ("Data", items)):
        for item in message.iterfind(f"{TT}{group}/{TT}SimpleItem"):
            into[item.get("Name") or ""] = item.get("Value") or ""
    return Happening(
        without_prefixes(topic), message.get("UtcTime"), message.get("PropertyOperation"), sources, items
    )
