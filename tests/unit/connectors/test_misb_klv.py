"""Drones' video metadata: each tag to its resolution, each damage its own packet only, targets as detections."""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import klvdata
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.formats.klv import SIGNED, UNSIGNED, imapb, packets_of, tags_of
from schemas.heights import Bound, Terrain
from tests.unit.connectors.klv_bytes import KEY, a_drone, packet, share, signed, transport_stream
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext(
    "springfield",
    "video",
    ZoneInfo("America/Chicago"),
    Bounds(29.4, -95.95, 30.2, -94.95),
    terrain=Terrain(Bound(10, 30), Bound(-30, -25)),
    drones={"N-12": "own"},
)
SAMPLE = "drone/misb/DynamicConstantMISMMSPacketData.bin"
THREE = [packet(a_drone(), second=second) for second in (0, 2, 4)]


def read(body: bytes, place: Any = None, **config: Any) -> Reading:
    reading: Reading = load_source("misb_klv", CITY, config).read(Heard(body, None), place or {})
    return reading


def seconds(reading: Reading, topic: str = "drone.position") -> list[float]:
    return [one["event_time"] % 10_000 / 1_000 for one in values(reading, topic)]


def mended(sample: bytes) -> bytes:
    """*sample* with the sum that its bytes have, as ST 0601 writes it: the published packet carries another."""
    total = sum(byte << (8 * ((index + 1) % 2)) for index, byte in enumerate(sample[:-2]))
    return sample[:-2] + struct.pack(">H", total & 0xFFFF)


def test_a_real_packet_is_read_tag_by_tag_as_another_decoder_does(data_dir: Path) -> None:
    body = mended((data_dir / SAMPLE).read_bytes())
    (one,) = packets_of(body)
    tags = tags_of(one.items, noted := Counter[str]())
    (other,) = klvdata.StreamParser(body)
    said = {int(tag): row[3] for tag, row in other.MetadataList().items()}
    assert (one.fault, not noted) == ("", True)
    assert tags.numbers.keys() == said.keys() - {1, 2, 3, 10, 11, 12}
    for tag, value in tags.numbers.items():
        size, *span = UNSIGNED.get(tag) or SIGNED[tag]
        resolution = (span[-1] - (span[0] if len(span) == 2 else -span[0])) / 256**size
        assert value == pytest.approx(float(said[tag]), abs=resolution / 2), tag
    assert {tag: tags.texts[tag] for tag in (3, 10, 11, 12)} == {tag: said[tag] for tag in (3, 10, 11, 12)}
    assert said[2].startswith("2009-01-12 22:08:22")
    assert tags.time_us is not None
    assert tags.time_us // 1_000_000 == 1_231_798_102


def test_the_real_packet_carries_a_wrong_checksum_and_is_set_aside(data_dir: Path) -> None:
    body = (data_dir / SAMPLE).read_bytes()
    reading = read(body, drone_id="predator")
    assert not reading.events
    assert [one.original for one in reading.aside] == [body]
    everywhere = replace(CITY, bounds=Bounds(-90, -180, 90, 180))
    told = load_source("misb_klv", everywhere, {"drone_id": "predator"}).read(Heard(mended(body), None), {})
    (said,) = values(told, "drone.position")
    assert said["position"]["lat"] == pytest.approx(60.1768229669783, abs=5e-8)
    assert said["position"]["lon"] == pytest.approx(128.426759042045, abs=5e-8)
    assert said["above_sea_m"] == pytest.approx(14_190.72, abs=0.2)
    assert (said["mission_id"], said["id_verdict"]) == ("Mission 12", "none")


def test_a_packet_tells_place_and_ground() -> None:
    reading = read(packet(a_drone(tag_75=share(292.5, -900, 19_000, 2))), video_refs={"N-12": "V-1"})
    (where,), (ground,) = values(reading, "drone.position"), values(reading, "drone.footprint")
    assert where["position"]["lat"] == pytest.approx(29.75, abs=1e-7)
    assert (where["drone_id"], where["id_kind"], where["known_as"]) == ("N-12", "tail", "own")
    assert where["above_sea_m"] == pytest.approx(320, abs=0.2)
    assert where["above_wgs84_m"] == pytest.approx(292.5, abs=0.2)
    assert where["above_ground_low_m"] == pytest.approx(290, abs=0.2)
    assert (ground["origin"], ground["video_ref"]) == ("computed", "V-1")
    assert ground["camera_height_m"] == pytest.approx(300, abs=0.2)
    assert not lost_on_the_wire(list(reading.events))


@pytest.mark.parametrize(("tag", "size"), [(13, 4), (14, 4)])
def test_a_place_out_of_range_is_none(tag: int, size: int) -> None:
    items = {**a_drone(), tag: b"\x80" + b"\0" * (size - 1)}
    reading = read(packet(items))
    assert not reading.events
    assert reading.skipped == {"packet without a place": 1}


def test_angles_out_of_range_give_no_ground() -> None:
    reading = read(packet({**a_drone(), 6: b"\x80\0"}))
    assert [event.topic for event in reading.events] == ["drone.position"]
    assert sum(reading.noted.values()) == 1


def test_corners_in_full_come_before_offsets_and_offsets_before_the_pose() -> None:
    steps = [(0.002, -0.002), (0.002, 0.002), (-0.002, 0.002), (-0.002, -0.002)]
    centre = {23: signed(29.75, 90, 4), 24: signed(-95.25, 180, 4)}
    offsets = {
        26 + 2 * at + axis: signed(step[axis], 0.075, 2) for at, step in enumerate(steps) for axis in (0, 1)
    }
    full = {
        82 + 2 * at + axis: signed((29.8, -95.3)[axis] + step[axis], (90, 180)[axis], 4)
        for at, step in enumerate(steps)
        for axis in (0, 1)
    }
    (by_offsets,) = values(read(packet({**a_drone(), **centre, **offsets})), "drone.footprint")
    (in_full,) = values(read(packet({**a_drone(), **centre, **offsets, **full})), "drone.footprint")
    assert (by_offsets["origin"], in_full["origin"]) == ("offsets", "corners")
    for found, at in ((by_offsets, (29.75, -95.25)), (in_full, (29.8, -95.3))):
        for corner, (north, east) in zip(found["corners"], steps, strict=True):
            assert corner["lat"] == pytest.approx(at[0] + north, abs=2e-6)
            assert corner["lon"] == pytest.approx(at[1] + east, abs=2e-6)
    crossed = {**full, 84: full[86], 85: full[87], 86: full[84], 87: full[85]}
    assert not values(read(packet({**a_drone(), **crossed})), "drone.footprint")


def test_at_most_one_a_second_is_told() -> None:
    body = b"".join(packet(a_drone(), second=0.25 * step) for step in range(9))
    reading = read(body)
    assert seconds(reading) == seconds(reading, "drone.footprint") == [0, 1, 2]
    assert reading.skipped == {"more often than every_s": 6}
    assert not read(body, reading.place).events


@pytest.mark.parametrize("at", range(len(THREE[1])))
def test_a_damaged_byte_costs_its_own_packet_only(at: int) -> None:
    bad = bytearray(THREE[1])
    bad[at] ^= 1
    reading = read(THREE[0] + bytes(bad) + THREE[2])
    assert seconds(reading) == [0, 4]
    if at < len(KEY):  # without its key it is no packet
        assert reading.noted == {"bytes that are no packet of ST 0601": 1}
    else:
        assert b"".join(one.original for one in reading.aside) in bytes(bad)
        assert len(reading.aside) == 1


def test_a_wrong_checksum_is_the_reason() -> None:
    bad = THREE[1][:-1] + bytes([THREE[1][-1] ^ 1])
    (aside,) = read(THREE[0] + bad).aside
    assert aside.original == bad
    assert "checksum" in aside.reason


@pytest.mark.parametrize("size", range(len(KEY), len(THREE[1])))
def test_a_packet_cut_anywhere_costs_itself_only(size: int) -> None:
    reading = read(THREE[0] + THREE[1][:size] + THREE[2])
    assert seconds(reading) == [0, 4]
    assert [one.original for one in reading.aside] == [THREE[1][:size]]
    assert seconds(read(THREE[0] + THREE[2][:size])) == [0]


@pytest.mark.parametrize("kind", [0x06, 0x15])
def test_klv_is_found_in_a_transport_stream(kind: int) -> None:
    assert seconds(read(transport_stream(THREE, kind=kind))) == [0, 2, 4]


def test_a_private_stream_of_another_registration_is_not_read() -> None:
    reading = read(transport_stream(THREE, mark=b"HEVC"))
    assert not reading.events
    assert len(reading.aside) == 1


def test_a_lost_packet_of_the_stream_costs_its_own_pes_only() -> None:
    body = transport_stream(THREE)
    each = (len(body) // 188 - 2) // 3
    for lost in range(each):
        at = (2 + each + lost) * 188
        reading = read(body[:at] + body[at + 188 :])
        assert seconds(reading) == [0, 4], lost
        assert reading.noted["packets of the transport stream that were lost"] >= 1
    damaged = bytearray(body)
    damaged[(2 + each) * 188 + 1] |= 0x80  # the demodulator's own sign of damage
    assert seconds(read(bytes(damaged))) == [0, 4]


def test_a_drone_without_a_name_is_set_aside_unless_the_city_names_it() -> None:
    items = {tag: value for tag, value in a_drone().items() if tag != 4}
    assert [one.field for one in read(packet(items)).aside] == ["tag 4"]
    assert values(read(packet(items), drone_id="D-1"))[0]["drone_id"] == "D-1"
    assert values(read(packet({**items, 59: b"EAGLE"}), drones={"EAGLE": "D-2"}))[0]["drone_id"] == "D-2"


def test_a_target_is_a_detection_of_the_drones_video() -> None:
    # ST 0903: target 7, box from pixel 1 to 640 * 120 + 320 of 640 by 480, confidence 80 %, offset 0.01° and -0.02° (IMAPB,
    # 3 bytes of -19.2 to 19.2: (0.01 + 19.2) * 2**17 + 0.6 = 2517893.92 + …), class "person".
    zero = -19.2 * 2**17 - math.floor(-19.2 * 2**17)
    lat, lon = (int((value + 19.2) * 2**17 + zero).to_bytes(3) for value in (0.01, -0.02))
    word = b"http://example.org#Person"
    named = bytes([2, len(word)]) + word
    pack = b"\x07\x02\x03\x00\x00\x01\x03\x03" + (640 * 119 + 320).to_bytes(3) + b"\x05\x01\x50"
    pack += b"\x0a\x03" + lat + b"\x0b\x03" + lon + bytes([102, len(named)]) + named
    series = bytes([len(pack)]) + pack
    vmti = b"\x08\x02\x02\x80\x09\x02\x01\xe0" + bytes([101, len(series)]) + series
    centre = {23: signed(29.75, 90, 4), 24: signed(-95.25, 180, 4)}
    reading = read(packet({**a_drone(), **centre, 74: vmti}), video_refs={"N-12": "V-1"})
    (seen,) = values(reading, "cctv.detection")
    assert (seen["camera_id"], seen["track_id"], seen["label"], seen["label_text"]) == (
        "V-1",
        "7",
        "person",
        "Person",
    )
    assert seen["confidence"] == pytest.approx(0.8)
    assert seen["bounding_box"] == {"x": 0, "y": 0, "width": 0.5, "height": 0.25}
    assert seen["position"]["lat"] == pytest.approx(29.76, abs=1e-5)
    assert seen["position"]["lon"] == pytest.approx(-95.27, abs=1e-5)
    assert not lost_on_the_wire(list(reading.events))


@pytest.mark.parametrize(
    ("raw", "low", "high", "value"),
    [  # ST 1201's own worked values: one half of the range, both ends, and a special one
        (b"\x00\x00", -900, 19_000, -900),
        (b"\x80\x00", 0, 256, 256),
        (b"\x40\x00", 0, 256, 128),
        (b"\xc8\x00", 0, 256, None),
        (b"", 0, 1, None),
    ],
)
def test_mapped_values_are_those_of_the_standard(
    raw: bytes, low: float, high: float, value: float | None
) -> None:
    found = imapb(raw, low, high)
    assert found == (value if value is None else pytest.approx(value, abs=1))


def test_bytes_without_a_packet_are_set_aside_whole() -> None:
    assert [one.original for one in read(b"\x47" * 500).aside] == [b"\x47" * 500]
