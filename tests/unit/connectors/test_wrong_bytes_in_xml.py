"""XML with a byte of no character in one of its records: that record is set aside, the others are told."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Heard, Reading
from connectors.formats.xml import MARK
from tests.unit.connectors.one_life import MINUTE
from tests.unit.connectors.one_life import NOON as THEIR_NOON
from tests.unit.connectors.seen import NOON, read, source, values
from tests.unit.connectors.test_cap_alerts import Life as Warnings
from tests.unit.connectors.test_cap_alerts import a_feed, an_alert
from tests.unit.connectors.test_datex_situations import Life as Roads
from tests.unit.connectors.test_datex_situations import a_situation, version_2

TT = 'xmlns:tt="http://www.onvif.org/ver10/schema"'
BAD = b"\xff\xc3"
LATER = THEIR_NOON + 5 * MINUTE


def an_object(number: int, word: str = "Human") -> str:
    its_class = f"<tt:Class><tt:Type>{word}</tt:Type></tt:Class>"
    return f'<tt:Object ObjectId="{number}"><tt:Appearance>{its_class}</tt:Appearance></tt:Object>'


def a_frame(*objects: str, more: str = "") -> str:
    return f'<tt:Frame UtcTime="2026-03-08T11:59:59Z"{more}>{"".join(objects)}</tt:Frame>'


def a_stream(*frames: str) -> bytes:
    return f"<tt:MetadataStream {TT}>{''.join(frames)}</tt:MetadataStream>".encode().replace(b"BAD", BAD)


def onvif(body: bytes) -> Reading:
    reading: Reading = read(source("onvif_metadata", camera_id="C"), body, NOON)
    return reading


def test_an_object_with_a_wrong_byte_costs_itself_alone_and_keeps_its_bytes() -> None:
    reading = onvif(a_stream(a_frame(an_object(1), an_object(2, "BAD"), an_object(3))))
    assert [value["track_id"] for value in values(reading)] == ["1", "3"]
    (aside,) = reading.aside
    assert BAD in aside.original and b'ObjectId="2"' in aside.original
    assert aside.reason == "a byte is of no character"


def test_a_frame_whose_own_words_are_wrong_is_set_aside_and_the_next_is_told() -> None:
    reading = onvif(a_stream(a_frame(an_object(1), more=' Source="BAD"'), a_frame(an_object(2))))
    assert [value["track_id"] for value in values(reading)] == ["2"]
    assert len(reading.aside) == 1


def test_unicodes_own_sign_in_a_good_body_is_a_character_like_any_other() -> None:
    reading = onvif(a_stream(a_frame(an_object(1, MARK))))
    assert len(values(reading)) == 1 and not reading.aside


def test_a_plate_with_a_wrong_byte_is_set_aside_masked_and_the_next_is_read() -> None:
    def a_message(text: str) -> str:
        items = f'<tt:SimpleItem Name="text" Value="{text}"/><tt:SimpleItem Name="carState" Value="new"/>'
        return f'<tt:Message UtcTime="2026-03-08T11:59:59Z"><tt:Data>{items}</tt:Data></tt:Message>'

    body = f"<tt:MetadataStream {TT}>{a_message('12가BAD')}{a_message('12가3456')}</tt:MetadataStream>"
    gate: Any = source("axis_plates", camera_id="gate", key="a key of more than sixteen bytes")
    reading = read(gate, body.encode().replace(b"BAD", BAD), NOON)
    assert len(values(reading)) == 1
    (aside,) = reading.aside
    assert "12가".encode() not in aside.original and BAD not in aside.original


@pytest.mark.parametrize(
    ("life", "body"),
    [
        (Warnings(), a_feed(an_alert(1), an_alert(2, sender="wBAD@x"), an_alert(3))),
        (Roads(), version_2(*(a_situation(number=n, status="real" if n != 2 else "BAD") for n in (1, 2, 3)))),
    ],
    ids=["cap_alerts", "datex_situations"],
)
def test_a_warning_or_road_situation_with_a_wrong_byte_costs_itself_alone(life: Any, body: str) -> None:
    reading = life.source.read(Heard(body.encode().replace(b"BAD", BAD), LATER), {})
    assert len(list(reading.events)) == 2
    (aside,) = reading.aside
    assert aside.reason == "a byte is of no character"
