"""XML larger than any message needs is refused, within a second."""

from __future__ import annotations

from time import process_time
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.formats.xml import ATTRIBUTES_MAX, NAMESPACES_MAX, TAGS_MAX, parsed
from schemas.errors import Invalid

TT = b'xmlns:tt="http://www.onvif.org/ver10/schema"'
BOX = b'<tt:Shape><tt:BoundingBox left="0" top="1" right="1" bottom="0"/></tt:Shape>'
FRAME = (
    b'<tt:Frame UtcTime="no time"><tt:Object ObjectId="1"><tt:Appearance>%s</tt:Appearance></tt:Object></tt:Frame>'
    % BOX
)
CONTEXT = SourceContext("x", "cameras", ZoneInfo("UTC"), Bounds(36, 127, 37, 128))
CPU_S = 0.5


def attributes(count: int, form: bytes = b'a%d="1"') -> bytes:
    return b" ".join(form % number for number in range(count))


def with_many(what: str) -> bytes:  # noqa: PLR0911 (a return a case)
    match what:
        case "attributes":
            return b"<a " + attributes(200_000) + b"/>"
        case "attributes, some quoted with >":
            return b"<a b='>' " + attributes(200_000) + b"/>"
        case "attributes far inside":
            return b"<a><b>" + b"<c/>" * 1_000 + b"<d " + attributes(10_000) + b"/></b></a>"
        case "namespaces":
            return b"<a " + b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(100_000)) + b"/>"
        case "namespaces, a few in each":
            return b"<a>" + b"".join(b'<b xmlns:a%d="u"/>' % n for n in range(NAMESPACES_MAX + 1)) + b"</a>"
        case "elements":
            return b"<a>" + b"<b/>" * TAGS_MAX + b"</a>"
        case _:
            return b"<a>" * 10_000 + b"</a>" * 10_000


@pytest.mark.parametrize(
    "what",
    ["attributes", "attributes, some quoted with >", "attributes far inside", "namespaces",
     "namespaces, a few in each", "elements", "depth"],
)  # fmt: skip
def test_too_many_are_refused_before_they_cost_anything(what: str) -> None:
    body, begun = with_many(what), process_time()
    with pytest.raises(Invalid):
        parsed(body)
    assert process_time() - begun < CPU_S


@pytest.mark.parametrize("what", ["attributes", "namespaces", "elements"])
def test_nothing_of_it_reaches_the_parser(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_of: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("connectors.formats.xml.etree.fromstring", parse)
    with pytest.raises(Invalid, match="too many"):
        parsed(with_many(what))


def test_as_many_as_may_be_are_taken_and_text_may_hold_anything() -> None:
    assert len(parsed(b"<a " + attributes(ATTRIBUTES_MAX) + b"/>").attrib) == ATTRIBUTES_MAX
    text = b'key="value" ' * 10_000
    assert parsed(b"<a b='1'>" + text + b"</a>").text == text.decode()
    assert parsed(b"<a><![CDATA[" + text + b"]]></a>").text == text.decode()


def test_thousands_of_bad_frames_under_many_namespaces_take_no_time_of_note() -> None:
    source = load_source(
        "onvif_metadata", CONTEXT, {"camera_id": "C", "cameras": {"C": {"lat": 36.5, "lon": 127.5}}}
    )
    names = b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(ATTRIBUTES_MAX - 10))
    frames = b"<tt:VideoAnalytics>" + FRAME * 4_000 + b"</tt:VideoAnalytics>"
    body = b"<tt:MetadataStream " + TT + b" " + names + b">" + frames + b"</tt:MetadataStream>"
    begun = process_time()
    reading = source.read(Heard(body, 1_780_000_000_000), {})
    assert len(reading.aside) == 4_000
    assert process_time() - begun < 4 * CPU_S
