"""Any bytes in a capture of Remote ID: a message, a frame or a capture is read or refused, and nothing else is raised."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import asdict

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.open_drone_id import LocationMessage, decode, messages_of
from connectors.formats.pcap import capture_of
from connectors.formats.remote_id_frames import BLUETOOTH, NORDIC, RADIOTAP, advertisements
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec
from tests.unit.connectors.seen import NOON, read
from tests.unit.connectors.telemetry import values
from tests.unit.connectors.test_remote_id import (
    advertised,
    beacon,
    by_nordic,
    extended,
    hears,
    located,
    pack,
    pcap,
    pcapng,
    with_header,
)

GOOD = [
    (RADIOTAP, beacon(pack(located()))),
    (BLUETOOTH, with_header(advertised(located()))),
    (BLUETOOTH, with_header(extended(pack(located())))),
    (NORDIC, by_nordic(advertised(located()))),
]
SOURCE = hears()
CODEC = RowCodec(load_catalogue()["drone.position"].newest)
CAPTURES = [form(frame, link=link) for form in (pcap, pcapng) for link, frame in GOOD]


@st.composite
def spoilt(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Good bytes with a few others in them, or cut."""
    body = bytearray(draw(good))
    for _ in range(draw(st.integers(0, 4))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(1, len(body)))] if draw(st.booleans()) else body)


@given(st.binary(min_size=25, max_size=25))
def test_any_25_bytes_are_a_message_or_invalid_and_none_of_its_values_is_a_sign_of_unknown(
    data: bytes,
) -> None:
    try:
        found = decode(data)
    except Invalid:
        return
    if not isinstance(found, LocationMessage):
        return
    said = asdict(found)
    numbers = [value for value in said.values() if isinstance(value, float)]
    assert all(math.isfinite(value) for value in numbers)
    assert (found.lat, found.lon) != (0, 0)
    assert (found.lat is None) == (found.lon is None)
    assert found.lat is None or (abs(found.lat) <= 90 and abs(found.lon or 0) <= 180)
    assert found.track_deg is None or 0 <= found.track_deg <= 360
    assert found.speed_mps is None or 0 <= found.speed_mps <= 254.25
    assert found.vertical_mps is None or -62 <= found.vertical_mps <= 62
    heights = (found.height_m, found.above_wgs84_m, found.pressure_altitude_m)
    assert all(one is None or -1_000 < one <= 31_767.5 for one in heights)


@given(st.sampled_from((RADIOTAP, BLUETOOTH, NORDIC, 1)), st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_invalid(link: int, data: bytes) -> None:
    try:
        found = advertisements(link, data)
        for one in found:
            messages_of(one.data)
    except Invalid:
        return


@settings(max_examples=100)
@given(st.one_of(spoilt(st.sampled_from(CAPTURES)), st.binary(max_size=200)))
def test_any_bytes_are_a_capture_or_invalid_and_what_is_told_keeps_its_contract(data: bytes) -> None:
    with suppress(Invalid):
        capture_of(data)
    for at_ms in (None, NOON + 5_000):
        for value in values(read(SOURCE, data, at_ms)):
            assert CODEC.decode(CODEC.encode(value)) == value
