"""Remote ID in captures: the two of the data against values worked out from their bytes, and each container by hand."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Reading, SourceContext
from connectors.formats.pcap import capture_of
from connectors.formats.remote_id_frames import BLUETOOTH, NORDIC, RADIOTAP, advertisements
from schemas.errors import Fatal
from tests.unit.connectors.seen import NOON, read, source
from tests.unit.connectors.telemetry import lost_on_the_wire, values

PORTLAND = SourceContext(
    "portland", "rid", ZoneInfo("America/Los_Angeles"), Bounds(45.0, -124.0, 46.0, -122.0)
)
KEY = "a key of more than sixteen bytes"
ADDRESS = bytes.fromhex("84cca8604324")
"""The transmitter of both captures, as it stands in their frames."""


def hears(city: SourceContext = PORTLAND, **config: Any) -> Any:
    return source("remote_id", city, **{"key": KEY, "receiver": "roof", **config})


def of_file(data_dir: Path, name: str) -> Reading:
    path = data_dir / "drone" / "remote_id" / name
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    return read(hears(), path.read_bytes())


# -- the captures of the data -------------------------------------------------------------------------------------

SAID_BY_BOTH = {
    "above_takeoff_m": 100.0,  # 98 08: 0x0898 = 2200 halves, less 1000; height type 0
    "above_wgs84_m": 237.0,  # aa 09: 0x09aa = 2474
    "pressure_altitude_m": None,  # 00 00
    "above_ground_m": None,
    "speed_mps": 20.5,  # 52: 82 quarters
    "vertical_mps": None,  # 7e: 63 m/s
    "height_accuracy_m": 25.0,  # 3_
    "speed_accuracy_mps": 10.0,  # _1
    "flight_status": None,
    "drone_type": None,
}
# frame → lat and lon as little-endian bytes, track: the byte, and 180 where the flags have bit 1
BEACONS = {
    0: ("bcba251b", "a88cb4b6", 92.0),
    1: ("4bba251b", "ad99b4b6", 35.0),
    3: ("c8bf251b", "b29bb4b6", 5.0),
    4: ("72c5251b", "919bb4b6", 339.0),  # 02 9f: 159 + 180
    8: ("74db251b", "f99db4b6", 38.0),
    12: ("2ce3251b", "edadb4b6", 133.0),
}


ONE_LOCATION = bytes.fromhex("f0190110")
"""A pack of one message, and the first byte of a Location."""


def degrees(said: str) -> float:
    """Ten millionths of a degree in four bytes, the least first, negative from 0x80 in the last."""
    units = sum(byte << 8 * place for place, byte in enumerate(bytes.fromhex(said)))
    return (units - (1 << 32) if units >= 1 << 31 else units) / 10_000_000


def test_the_capture_of_beacons_is_what_its_bytes_say(data_dir: Path) -> None:
    reading = of_file(data_dir, "odid_wifi_bcn_sample.pcap")
    found = values(reading)
    assert len(found) == 21
    for number, (lat, lon, track) in BEACONS.items():
        at = found[number]["position"]
        assert (at["lat"], at["lon"], at["accuracy_m"]) == (degrees(lat), degrees(lon), 30.0)
        assert found[number]["track_deg"] == track
    for one in found:
        assert {name: one[name] for name in SAID_BY_BOTH} == SAID_BY_BOTH
        assert (one["drone_id"], one["id_kind"], one["id_verdict"]) == ("MFG1A0123456789", None, "invalid")
        assert one["operator_id"] == "GBR-OP-123ABCD"
        assert one["operator_position"] == {
            "lat": degrees("a485251b"),
            "lon": degrees("6edbb3b6"),
            "accuracy_m": None,
        }
        assert one["operator_position_kind"] == "takeoff"
        # its clock says the full hour all the time: 21:52 is nearest to 22:00, which is not yet
        assert (one["faults"], one["age_s"], one["event_time"]) == (["timestamp"], None, one["received_time"])
    assert (found[0]["signal_dbm"], found[0]["event_time"]) == (
        -33,
        1_621_633_931_161,
    )  # df; 60a82b8b, 000278cf µs
    assert not reading.aside
    assert not lost_on_the_wire(list(reading.events))


def test_the_capture_of_nan_and_beacons_has_positions_only_where_one_was_said(data_dir: Path) -> None:
    reading = of_file(data_dir, "odid_wifi_sample.pcap")
    found = values(reading)
    assert (
        len(found)
        == (data_dir / "drone/remote_id/odid_wifi_sample.pcap").read_bytes().count(ONE_LOCATION)
        == 31
    )
    assert reading.skipped == {"frame without Remote ID": 21}, "the beacons that only keep NAN's time"
    assert found[0]["position"]["lat"] == pytest.approx(45.545, abs=0.001)
    assert [one["track_deg"] for one in found[-3:]] == [87.0, 87.0, 121.0]  # 57, 57, 79
    assert (found[-1]["position"]["lat"], found[-1]["position"]["lon"]) == (
        degrees("a699251b"),
        degrees("55edb3b6"),
    )
    for one in found:
        assert {name: one[name] for name in SAID_BY_BOTH} == SAID_BY_BOTH
        assert one["drone_id"] == f"rid-{one['transmitter']}"
        assert (one["id_kind"], one["id_verdict"]) == ("address", "none")
    # heard at 20:03:25 with 20:00:00.0; once it has moved with the same time, its clock stands
    assert (found[0]["event_time"], found[0]["age_s"]) == (1_620_849_600_000, 205.593)
    assert (found[-1]["event_time"], found[-1]["age_s"]) == (1_620_849_819_994, None)
    assert not reading.aside


def test_no_clear_address_leaves_the_source(data_dir: Path) -> None:
    for name in ("odid_wifi_bcn_sample.pcap", "odid_wifi_sample.pcap"):
        reading = of_file(data_dir, name)
        said = repr(reading).casefold().replace(":", "")
        assert ADDRESS.hex() not in said
        assert repr(ADDRESS)[2:-1].casefold() not in said


# -- frames by hand -----------------------------------------------------------------------------------------------


def located(lat: int = 455_000_000, tenths: int = 10, speed: int = 20) -> bytes:
    return struct.pack(
        "<BBBBbiiHHHBBHBB", 0x12, 0x20, 9, speed, 0, lat, -1_230_000_000, 0, 0, 0, 0, 0, tenths, 0, 0
    )


def identified(text: bytes, kind: int = 1) -> bytes:
    return bytes([0x02, kind << 4 | 2]) + text.ljust(23, b"\0")


def pack(*messages: bytes) -> bytes:
    return bytes([0xF2, 25, len(messages)]) + b"".join(messages)


def beacon(data: bytes, address: bytes = ADDRESS) -> bytes:
    radiotap = bytes.fromhex("00 00 08 00 00 00 00 00")
    element = bytes.fromhex("fa0bbc0d 07") + data
    heading = bytes.fromhex("80 00 0000") + b"\xff" * 6 + address * 2 + b"\0\0"
    return radiotap + heading + bytes(12) + bytes([0, 3]) + b"abc" + bytes([0xDD, len(element)]) + element


def advertised(data: bytes) -> bytes:
    """A legacy advertisement on the link layer: access address, heading, address, service data, checksum."""
    structure = bytes.fromhex("16 fa ff 0d 07") + data
    payload = ADDRESS[::-1] + bytes([len(structure)]) + structure
    return bytes.fromhex("d6be898e") + bytes([0x42, len(payload)]) + payload + b"crc"


def extended(data: bytes, header: bytes = b"\x09" + ADDRESS[::-1] + b"\x12\x34") -> bytes:
    """An AUX_ADV_IND: a heading with the advertiser's address and the set's number, then the data."""
    structure = bytes.fromhex("16 fa ff 0d 07") + data
    payload = bytes([len(header)]) + header + b"\x02\x01\x06" + bytes([len(structure)]) + structure
    return bytes.fromhex("d6be898e") + bytes([0x47, len(payload)]) + payload + b"crc"


def with_header(packet: bytes, flags: int = 0x0C03) -> bytes:
    return struct.pack("<BbbBIH", 37, -71, 0, 0, 0x8E89BED6, flags) + packet


def by_nordic(packet: bytes, flags: int = 1) -> bytes:
    return bytes([5, 10 + len(packet), 0, 3, 1, 0, 6, 10, flags, 37, 64, 0, 0, 0, 0, 0, 0]) + packet


def pcap(
    *frames: bytes, link: int = RADIOTAP, order: str = "<", is_ns: bool = False, at_s: float = NOON / 1000
) -> bytes:
    magic, parts = (0xA1B23C4D, 1_000_000_000) if is_ns else (0xA1B2C3D4, 1_000_000)
    body = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)
    for number, frame in enumerate(frames):
        seconds, part = divmod(round((at_s + number) * parts), parts)
        body += struct.pack(order + "IIII", seconds, part, len(frame), len(frame)) + frame
    return body


def pcapng(*frames: bytes, link: int = RADIOTAP, order: str = "<", at_ms: int = NOON) -> bytes:
    def block(kind: int, content: bytes) -> bytes:
        content += b"\0" * (-len(content) % 4)
        length = struct.pack(order + "I", 12 + len(content))
        return struct.pack(order + "I", kind) + length + content + length

    body = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    milliseconds = struct.pack(order + "HHB3xHH", 9, 1, 3, 0, 0)  # if_tsresol: 10^-3
    body += block(1, struct.pack(order + "HHI", 1, 0, 0)) + block(
        1, struct.pack(order + "HHI", link, 0, 0) + milliseconds
    )
    for number, frame in enumerate(frames):
        at = at_ms + number * 1000
        body += block(
            6, struct.pack(order + "IIIII", 1, at >> 32, at & 0xFFFFFFFF, len(frame), len(frame)) + frame
        )
    return body


@pytest.mark.parametrize(
    ("link", "frame", "signal"),
    [
        (RADIOTAP, beacon(pack(located())), None),
        (BLUETOOTH, with_header(advertised(located())), -71),
        (BLUETOOTH, with_header(extended(pack(located()))), -71),
        (NORDIC, by_nordic(advertised(located())), -64),
        (NORDIC, by_nordic(extended(pack(located()))), -64),
    ],
)
def test_each_container_gives_the_address_and_the_message(
    link: int, frame: bytes, signal: int | None
) -> None:
    (found,) = advertisements(link, frame)
    assert (found.address, found.counter, found.signal_dbm) == (ADDRESS, 7, signal)
    assert found.data[-25:] == located()
    for body in (pcap(frame, link=link), pcapng(frame, link=link)):
        (value,) = values(read(hears(), body))
        assert value["position"]["lat"] == 45.5


@pytest.mark.parametrize("order", ["<", ">"])
def test_captures_of_all_forms_say_the_same(order: str) -> None:
    frames = [beacon(pack(located(tenths=10 * n)), ADDRESS) for n in range(3)]
    bodies = [
        pcap(*frames, order=order),
        pcap(*frames, order=order, is_ns=True),
        pcapng(*frames, order=order),
    ]
    expected = [NOON * 1_000_000 + n * 1_000_000_000 for n in range(3)]
    for body in bodies:
        capture = capture_of(body)
        assert [(one.at_ns, one.data, one.is_cut) for one in capture.frames] == [
            (at, frame, False) for at, frame in zip(expected, frames, strict=True)
        ]
        assert capture.fault is None


def test_foreign_wrong_and_cut_frames_cost_only_themselves() -> None:
    good, other = beacon(pack(located())), beacon(pack(located(tenths=20)))
    wrong = [
        b"",
        b"\0",
        bytes(30),
        good[:20],
        beacon(b"\xf2\x19\x03" + located()),  # a pack that says more than it holds
        beacon(pack(b"\x13" + bytes(24))),  # of a later protocol
        by_nordic(advertised(located())),
    ]
    reading = read(hears(), pcap(good, *wrong, other))
    assert [one["event_time"] for one in values(reading)] == [NOON + 1_000, NOON + 2_000]
    assert [one.original[:3] for one in reading.aside] == [b"\xf2\x19\x03", b"\x13\0\0"]
    assert all(ADDRESS not in one.original for one in reading.aside)
    cut = read(hears(), pcap(good, other)[:-1])
    assert (len(cut.events), len(cut.aside)) == (1, 1)


def test_wrong_checksums_are_not_read() -> None:
    assert not advertisements(BLUETOOTH, with_header(advertised(located()), 0x0403))
    assert not advertisements(NORDIC, by_nordic(advertised(located()), 0))


# -- transmitters -------------------------------------------------------------------------------------------------


def test_a_later_id_of_the_same_address_joins_it() -> None:
    city = SourceContext(
        "portland", "rid", PORTLAND.timezone, PORTLAND.bounds, drones={"1AKGAAN8G70R7JS": "own"}
    )
    frames = [
        beacon(located(tenths=0)),
        beacon(pack(identified(b"N.1234", 2), identified(b"1AKGAAN8G70R7JS"), located(tenths=10))),
        beacon(located(tenths=20)),
        beacon(located(tenths=30), bytes(5) + b"\x01"),
    ]
    first, joined, after, other = values(read(hears(city), pcap(*frames)))
    assert first["drone_id"] == f"rid-{first['transmitter']}"
    for one in (joined, after):
        assert (one["drone_id"], one["id_kind"], one["id_verdict"]) == ("1AKGAAN8G70R7JS", "serial", "valid")
        assert (one["known_as"], one["drone_type"]) == ("own", "multirotor")
        assert one["transmitter"] == first["transmitter"]
    assert other["transmitter"] != first["transmitter"]
    assert (other["id_kind"], other["known_as"]) == ("address", "unknown")


def test_the_hash_is_another_each_day_and_with_another_key() -> None:
    def hashed(at_s: float, key: str = KEY) -> str:
        (value,) = values(read(hears(key=key), pcap(beacon(located()), at_s=at_s)))
        return str(value["transmitter"])

    noon = NOON / 1000
    assert hashed(noon) == hashed(noon + 60)
    assert len({hashed(noon), hashed(noon + 86_400), hashed(noon, "another key of enough bytes")}) == 3
    with pytest.raises(Fatal, match="shorter than 16 bytes"):
        hears(key="short")


def test_what_was_said_of_the_operator_holds_a_minute() -> None:
    operator = bytes.fromhex("5200") + b"GBR-OP-1".ljust(23, b"\0")
    first = read(hears(), pcap(beacon(pack(operator, located()))))
    for after_s, expected in ((59, "GBR-OP-1"), (61, None)):
        (value,) = values(
            read(hears(), pcap(beacon(located()), at_s=NOON / 1000 + after_s), None, first.place)
        )
        assert value["operator_id"] == expected


def test_a_capture_that_grows_gives_each_frame_once() -> None:
    frames = [beacon(located(tenths=10 * n)) for n in range(3)]
    first = read(hears(), pcap(*frames[:2]))
    second = read(hears(), pcap(*frames), None, first.place)
    assert [one["event_time"] for one in values(second)] == [NOON + 2_000]
    assert second.skipped == {"frame heard before": 2}


@pytest.mark.parametrize(
    ("kind", "text", "verdict"),
    [
        (1, b"1AKGAAN8G70R7JS", "valid"),
        (1, b"1AKG9AN8G70R7JS", "invalid"),  # nine are said, ten follow
        (1, b"1AKGAAN8G70R7JO", "invalid"),  # the letter O
        (1, b"1AKG0", "invalid"),
        (1, b"1akgAAN8G70R7JS", "invalid"),
        (2, b"N.123456", "valid"),
        (2, b"WRONG", "invalid"),
        (3, bytes(range(16)), "valid"),
        (3, bytes(range(17)), "invalid"),
        (4, b"\x01" + b"\xab" * 19, "valid"),
        (4, b"\x00" + b"\xab" * 19, "invalid"),
    ],
)
def test_an_id_has_the_form_of_its_kind_or_not(kind: int, text: bytes, verdict: str) -> None:
    (value,) = values(read(hears(), pcap(beacon(pack(identified(text, kind), located())))))
    assert value["id_verdict"] == verdict
