"""Plates: tokens leave the connector, and nothing else that identifies a car."""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Reading
from connectors.subjects.plates import (
    masked,
    misread,
    misread_tokens,
    normalised,
    plate_key,
    plate_token,
    plates_masked,
)
from schemas.errors import Fatal, Invalid
from tests.unit.connectors.seen import NOON, read, source, values

KEY = "a key of more than sixteen bytes"
PLATE = "12가 3456"
SIZE = {"gate": {"width_px": 1280, "height_px": 960, "lat": 29.75, "lon": -95.5}}


def the_gate(**config: Any) -> Any:
    return source("axis_plates", **{"camera_id": "gate", "key": KEY, "cameras": SIZE, **config})


def an_event(text: str = PLATE, time: str = "2026-03-08T11:59:59.000000Z", **items: str) -> bytes:
    said = {"carID": "7", "carState": "new", "country": "KOR", "text": text, "left": "320", "top": "480"}
    said |= {"width": "160", "height": "60", **items}
    data = "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in said.items())
    return (
        '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:Event><tt:Message '
        f'UtcTime="{time}"><tt:Source/><tt:Data>{data}</tt:Data></tt:Message></tt:Event></tt:MetadataStream>'
    ).encode()


def a_bridged(**data: Any) -> bytes:
    data = {"carID": "7", "carState": "new", "text": PLATE, **data}
    return orjson.dumps({"topic": "axis:ALPV.AllPlates", "timestamp": NOON - 1000, "message": {"data": data}})


def test_the_makers_own_event_is_one_plate_without_its_text(data_dir: Path) -> None:
    path = data_dir / "cctv" / "axis_alpv" / "alpv_allplates_event.xml"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    reading = read(the_gate(), path.read_bytes())
    (value,) = values(reading)
    assert (value["country"], value["track_id"], value["track_state"]) == ("PRT", "1139066", "new")
    assert value["event_time"] == 1_621_511_661_894
    assert value["bounding_box"]["x"] == 539 / 1280
    assert value["position_source"] == "camera"
    assert value["plate_token"] == plate_token(KEY.encode(), "II04458")
    assert "04458" not in repr(reading)


def test_a_token_is_the_keyed_hash_of_letters_and_digits() -> None:
    mac = hmac.new(KEY.encode(), "12가3456".encode(), hashlib.sha256).hexdigest()
    assert plate_token(KEY.encode(), PLATE) == mac[:32]
    assert plate_token(KEY.encode(), " １２가-3456 ") == mac[:32], "in whatever form it is written"
    assert plate_token(b"another key, as long", PLATE) != mac[:32]
    assert normalised("made-01 a") == "MADE01A"


def test_a_short_key_is_a_wrong_setting_and_stays_secret() -> None:
    with pytest.raises(Fatal, match="16 bytes") as caught:
        the_gate(key="too short")
    assert "too short" not in str(caught.value)
    assert plate_key(KEY, "who") == KEY.encode()
    assert KEY not in repr(the_gate().__dict__.get("_cameras"))


def test_both_forms_say_the_same() -> None:
    (xml,), (json,) = values(read(the_gate(), an_event(), NOON)), values(read(the_gate(), a_bridged(), NOON))
    assert xml["plate_token"] == json["plate_token"]
    assert (
        (xml["camera_id"], xml["event_time"])
        == (json["camera_id"], json["event_time"])
        == ("gate", NOON - 1000)
    )


def test_new_and_lost_are_two_events_and_said_twice_they_are_the_same() -> None:
    ids = [
        [value["event_id"] for value in values(read(the_gate(), an_event(carState=state), NOON))]
        for state in ("new", "lost", "new")
    ]
    assert ids[0] == ids[2] != ids[1]


BROKEN: list[bytes] = [
    an_event().replace(b"</tt:Data>", b""),
    an_event()[:-40],
    an_event(time="12가 3456"),
    an_event(time="2126-03-08T11:59:59Z"),
    an_event().replace(b'"text"', b'"plate"'),
    an_event().decode().encode("utf-16"),
    an_event().decode().encode("cp949"),
    b"<!DOCTYPE x [<!ENTITY p '12\xea\xb0\x80 3456'>]>" + an_event().replace(PLATE.encode(), b"&p;"),
    an_event(confidence=PLATE),
    a_bridged()[:-3],
    a_bridged(confidence=PLATE),
    orjson.dumps({"topic": "t", "payload": an_event()[:-40].decode()}),
    orjson.dumps({"topic": "t", "payload": a_bridged()[:-3].decode()}),
    a_bridged() + b"\n" + a_bridged()[:-3],
    PLATE.encode(),
    orjson.dumps([PLATE]),
    orjson.dumps({"message": {"data": {"text": [PLATE]}}, "timestamp": 1}),
]


def every_word(reading: Reading) -> str:
    """All text that leaves the connector; bytes in every encoding that could be read."""
    aside = [(one.original, one.before, one.after) for one in reading.aside]
    text = repr(reading) + repr(
        [part.decode(code, "replace") for one in aside for part in one for code in CODES]
    )
    return text.replace(" ", "").replace("\\x00", "")


CODES = ("utf-8", "cp949", "utf-16", "latin-1")


@pytest.mark.parametrize("body", BROKEN)
def test_in_whatever_way_it_is_broken_the_plate_is_nowhere(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reading = read(the_gate(), body, NOON)
    assert reading.aside
    for part in ("12가", "3456", "가3456"):
        assert part not in every_word(reading)
    assert not caplog.records


def test_the_check_above_would_see_it() -> None:
    seen = read(source("nvidia_deepstream"), PLATE.encode(), NOON)
    assert "3456" in every_word(seen)


def test_items_that_could_hold_a_plate_are_not_passed_on() -> None:
    reading = read(the_gate(), an_event(carID=PLATE, carState=PLATE, country=PLATE), NOON)
    (value,) = values(reading)
    assert (value["track_id"], value["track_state"], value["country"]) == (None, None, None)
    assert "3456" not in repr(reading)


@settings(max_examples=60)
@given(
    st.text(alphabet="ABCDEFGHJK0123456789가나다", min_size=4, max_size=9),
    st.integers(0, 400),
    st.binary(max_size=3),
)
def test_a_plate_cut_or_struck_anywhere_is_masked(plate: str, at: int, noise: bytes) -> None:
    body = an_event(plate)
    at = min(at, len(body))
    reading = read(the_gate(), body[:at] + noise + body[at + len(noise) :], NOON)
    for aside in reading.aside:
        assert plate.encode() not in aside.original
        assert aside.original == masked(aside.original), "nothing is left to mask"


def test_what_was_masked_is_no_plate_when_it_is_fed_again() -> None:
    (aside,) = read(the_gate(), an_event(time="never"), NOON).aside
    again = read(the_gate(), aside.original, NOON)
    assert not again.events
    assert again.aside


def test_a_plate_of_nothing_is_none() -> None:
    for text in ("", " - ", "*"):
        assert [aside.field for aside in read(the_gate(), an_event(text), NOON).aside] == ["text"]
        with pytest.raises(Invalid):
            normalised(text)


def test_plates_and_names_in_other_sources_bytes_are_masked_and_the_rest_is_left() -> None:
    for before, after in (
        (b'{"license": "MADE01", "speed": 3}', b'{"license": "*", "speed": 3}'),
        (b'{"sub_label": ["Jane Roe", 0.9]}', b'{"sub_label": ["*", 0.9]}'),
        (b'{"payload": "{\\"license\\":\\"MADE01\\"}"}', b'{"payload": "{\\"license\\":\\"*\\"}"}'),
        (
            b'{"PlateNumber": {"@Likelihood": 0.9, "#text": "MADE01"}}',
            b'{"PlateNumber": {"@Likelihood": 0.9, "#text": "*"}}',
        ),
        (b"<tt:PlateNumber Likelihood='1'>MADE01<", b"<tt:PlateNumber Likelihood='1'>*<"),
        (b'<i Name="PlateNumber" Value="MADE01"/>', b'<i Name="PlateNumber" Value="*"/>'),
        (b'<i Value="MADE01" Name="PlateNumber"/>', b'<i Value="*" Name="PlateNumber"/>'),
        (b"<tt:Translate x='1'/>", b"<tt:Translate x='1'/>"),
    ):
        assert plates_masked(before) == after


def test_a_plate_is_misread_in_one_character_and_never_as_itself() -> None:
    read_as = misread("12가 3456")
    assert {"12가3458", "72가3456", "12거3456", "12가34S6"} <= set(read_as)
    assert not {"12가3456", "12가3478", "2가3456", "12가34567", "12A3456"} & set(read_as)
    assert "B8O" in misread("BBO") and "BB0" in misread("BBO")
    assert all(len(one) == 7 for one in read_as) and 60 < len(read_as) < 150


def test_who_has_no_key_cannot_tell_which_plate_is_misread() -> None:
    key = plate_key(KEY, "the list")
    tokens = misread_tokens(key, PLATE)
    assert plate_token(key, "12가3458") in tokens
    assert plate_token(key, PLATE) not in tokens
    assert not set(tokens) & set(misread_tokens(plate_key(KEY[::-1], "another"), PLATE))
