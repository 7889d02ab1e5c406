"""Drones heard over their control link: a place counts only with a fix, and its signs of unknown are no values."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import BadConfig, load_source
from connectors.transport.udp import WAITING_MAX, UdpListener, UdpSettings
from schemas.errors import Fatal, Retriable
from schemas.heights import Bound, Terrain
from tests.unit.connectors.mavlink_bytes import at, battery, frame_1, frame_2, gps, heartbeat, position
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext(
    "springfield",
    "link",
    ZoneInfo("America/Chicago"),
    Bounds(29.4, -95.95, 30.2, -94.95),
    terrain=Terrain(Bound(10, 30), Bound(-30, -25)),
    drones={"patrol-1": "own"},
)
FIX = frame_1(24, gps())
PLACE = frame_1(33, position())
LOG = "drone/mavlink/ardupilot_sitl_flight.tlog"


def read(body: bytes, place: Any = None, at_ms: int | None = None, **config: Any) -> Reading:
    reading: Reading = load_source("mavlink", CITY, config).read(Heard(body, at_ms), place or {})
    return reading


def test_a_position_with_a_fix_is_told_with_all_that_is_known() -> None:
    body = (
        at(0, frame_1(0, heartbeat()))
        + at(0, frame_1(1, battery(77)))
        + at(0.1, frame_2(24, gps(h_acc=1_200, v_acc=2_500)))
        + at(0.5, frame_2(33, position()))
    )
    reading = read(body, drones={"1": "patrol-1"})
    (said,) = values(reading)
    assert said["position"] == {"lat": 29.75, "lon": -95.25, "accuracy_m": pytest.approx(1.2)}
    assert (said["drone_id"], said["known_as"], said["id_kind"]) == ("patrol-1", "own", "system")
    assert (said["above_sea_m"], said["above_takeoff_m"], said["height_accuracy_m"]) == (80, 60, 2.5)
    assert (said["above_ground_low_m"], said["above_ground_high_m"]) == (47.5, 72.5)
    assert (said["speed_mps"], said["vertical_mps"], said["heading_deg"]) == (5, 0.5, 90)
    assert said["track_deg"] == pytest.approx(53.130102)
    assert (said["battery_percent"], said["drone_type"]) == (77, "multirotor")
    assert said["event_time"] == 1_772_971_200_500
    assert not lost_on_the_wire(list(reading.events))


@pytest.mark.parametrize(("after_s", "told"), [(0, 1), (2.0, 1), (2.001, 0)])
def test_a_position_counts_for_two_seconds_after_the_last_good_fix(after_s: float, told: int) -> None:
    reading = read(at(1, FIX) + at(1 + after_s, PLACE))
    assert len(reading.events) == told
    assert reading.skipped == ({} if told else {"position without a fix": 1})


def test_the_last_good_fix_is_remembered_from_body_to_body() -> None:
    place = read(at(1, FIX)).place
    assert len(read(at(2.5, PLACE), place).events) == 1
    assert not read(at(3.5, PLACE), place).events


@pytest.mark.parametrize("fix", [0, 1, 9, 255])
def test_no_fix_is_no_position(fix: int) -> None:
    assert not read(at(1, frame_1(24, gps(fix))) + at(1, PLACE)).events


def test_a_fix_of_two_dimensions_gives_no_height() -> None:
    (said,) = values(read(at(1, frame_1(24, gps(2))) + at(1, PLACE)))
    assert said["position"] is not None
    assert [said[name] for name in said if name.startswith("above_") or name == "height_accuracy_m"] == [
        None
    ] * 9


def test_what_means_unknown_is_no_value() -> None:
    unknown = frame_1(33, position(hdg=65_535, v=(0, 0, 0)))
    (said,) = values(read(at(1, FIX) + at(1, frame_1(1, battery(-1))) + at(1, unknown)))
    assert (said["heading_deg"], said["track_deg"], said["battery_percent"]) == (None, None, None)
    assert said["position"]["accuracy_m"] is None
    (raw,) = values(read(at(1, frame_1(24, gps(vel=65_535, cog=65_535)))))
    assert (raw["speed_mps"], raw["track_deg"], raw["above_takeoff_m"]) == (None, None, None)


def test_zero_zero_is_no_place() -> None:
    reading = read(at(1, FIX) + at(1, frame_1(33, position(lat=0, lon=0))))
    assert not reading.events
    assert reading.skipped == {"position without a fix": 1}


def test_the_receivers_own_place_counts_only_for_who_says_no_other() -> None:
    (raw,) = values(read(at(1, frame_1(24, gps()))))
    assert (raw["speed_mps"], raw["track_deg"], raw["above_sea_m"]) == (5, 45, 80)
    both = at(1, PLACE) + at(1, FIX) + at(1.2, FIX)
    assert len(read(both).events) == 1


def test_a_wrong_checksum_costs_its_own_frame_only() -> None:
    bad = bytearray(at(1.5, PLACE))
    bad[20] ^= 0xFF
    reading = read(at(1, FIX) + at(1.2, PLACE) + bytes(bad) + at(1.8, PLACE))
    assert [one["event_time"] % 10_000 for one in values(reading)] == [1_200, 1_800]
    assert reading.skipped["frame with a wrong checksum"] == 1


@pytest.mark.parametrize("size", range(1, len(PLACE)))
def test_a_frame_cut_anywhere_costs_its_own_place_only(size: int) -> None:
    whole = at(1, FIX) + at(1.2, PLACE)
    reading = read(whole + at(1.5, PLACE)[: 8 + size] + at(1.8, PLACE))
    assert [one["event_time"] % 10_000 for one in values(reading)] == [1_200, 1_800]
    assert sum(reading.skipped.values()) >= 1


def test_a_wrong_length_swallows_nothing() -> None:
    long = bytearray(PLACE)
    long[1] = 200
    reading = read(at(1, FIX) + at(1.2, bytes(long)) + at(1.5, PLACE) + at(1.8, PLACE))
    assert len(reading.events) == 2


def test_a_signed_frame_is_read() -> None:
    assert len(read(at(1, FIX) + at(1, frame_2(33, position(), signed=True)) + at(1.5, PLACE)).events) == 2


def test_other_components_and_other_systems_are_no_fix_of_ours() -> None:
    other = at(1, frame_1(24, gps(), system=2)) + at(1, frame_1(24, gps(), component=154))
    told = values(read(other + at(1, PLACE)))
    assert [one["drone_id"] for one in told] == ["mavlink-2"]


def test_more_than_a_second_may_have_is_counted() -> None:
    body = at(0, FIX) + b"".join(at(0.1 * tenth, PLACE) for tenth in range(20))
    reading = read(body, per_second_max=3)
    assert len(reading.events) == 6
    assert reading.skipped == {"more positions a second than per_second_max": 14}


def test_a_place_outside_the_city_is_set_aside_and_can_be_read_again() -> None:
    outside = frame_1(33, position(lat=35, lon=-95.25))
    reading = read(at(1, FIX) + at(1, outside) + at(1.5, PLACE))
    assert len(reading.events) == 1
    (aside,) = reading.aside
    assert aside.original == at(1, outside)


@pytest.mark.parametrize(
    ("status", "landed", "said"),
    [(3, 0, "ground"), (4, 0, None), (4, 2, "airborne"), (4, 1, "ground"), (6, 2, "emergency")],
)
def test_in_the_air_only_where_it_says_so(status: int, landed: int, said: str | None) -> None:
    states = at(1, frame_1(0, heartbeat(status=status))) + at(1, frame_1(245, bytes([0, landed])))
    assert values(read(states + at(1, FIX) + at(1, PLACE)))[0]["flight_status"] == said


def test_a_body_without_a_frame_is_set_aside_whole() -> None:
    reading = read(b"\xfe\xfd" * 40)
    assert [one.original for one in reading.aside] == [b"\xfe\xfd" * 40]


def test_a_system_that_is_none_is_refused() -> None:
    with pytest.raises(BadConfig):
        load_source("mavlink", CITY, {"drones": {"256": "patrol-1"}})


def test_a_real_log_says_what_its_bytes_say(data_dir: Path) -> None:
    """Each position against its own bytes: frames found by their length alone, fields by struct."""
    body, expected, begin = (data_dir / LOG).read_bytes(), [], 0
    while begin < len(body):
        stamp, marker, size = *struct.unpack_from(">Q", body, begin), body[begin + 8], body[begin + 9]
        head = 6 if marker == 0xFE else 10
        ids = body[begin + 13 : begin + 14] if head == 6 else body[begin + 15 : begin + 18]
        payload = body[begin + 8 + head : begin + 8 + head + size]
        begin += 8 + head + size + 2
        if int.from_bytes(ids, "little") == 33:
            expected.append((stamp // 1_000, *struct.unpack("<IiiiihhhH", payload.ljust(28, b"\0"))))
    assert len(expected) == 268
    everywhere = replace(CITY, bounds=Bounds(-90, -180, 90, 180))
    reading = load_source("mavlink", everywhere, {}).read(Heard(body, None), {})
    assert reading.skipped == {"position without a fix": 12}
    assert all((lat, lon) == (0, 0) for _, _, lat, lon, *_ in expected[:12])
    told = [
        (one["event_time"], one["position"]["lat"], one["position"]["lon"], one["above_sea_m"], one["above_takeoff_m"],
         one["vertical_mps"], one["heading_deg"])
        for one in values(reading)
    ]  # fmt: skip
    assert told == [
        (ms, lat / 1e7, lon / 1e7, alt / 1e3, up / 1e3, -vz / 100, hdg / 100)
        for ms, _, lat, lon, alt, up, _, _, vz, hdg in expected[12:]
    ]
    assert not lost_on_the_wire(list(reading.events))


def heard_over_udp(settings: UdpSettings, sent: list[bytes]) -> list[Heard]:
    async def run() -> list[Heard]:
        listener = UdpListener(CITY, settings, joined=lambda found: b"|".join(data for data, _ in found))
        listening = listener.listen()
        first = asyncio.ensure_future(anext(listening))
        while listener.port is None:  # noqa: ASYNC110 (until the loop has bound it: no wait for luck)
            await asyncio.sleep(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for one in sent:
                sender.sendto(one, ("127.0.0.1", listener.port))
        heard = [await asyncio.wait_for(first, 5)]
        await listener.close()
        heard += [one async for one in listening]
        return heard

    return asyncio.run(run())


def test_datagrams_are_heard_and_the_end_ends_it() -> None:
    heard = heard_over_udp(UdpSettings(port=0), [b"one", b"two"])
    assert b"|".join(one.body for one in heard) == b"one|two"


def test_a_port_that_is_taken_may_be_free_later() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(Retriable, match="cannot be bound"):
            heard_over_udp_once(UdpSettings(port=holder.getsockname()[1]))


def test_without_udp_it_cannot_listen() -> None:
    with pytest.raises(Fatal, match="no udp"):
        heard_over_udp_once(None)


def heard_over_udp_once(settings: UdpSettings | None) -> Heard:
    async def run() -> Heard:
        return await anext(UdpListener(CITY, settings, joined=lambda _: b"").listen())

    return asyncio.run(run())


def test_what_finds_no_room_is_said() -> None:
    from connectors.transport.udp import _Inbox  # noqa: PLC0415 (the bound alone, without 2,000 real datagrams)

    async def run() -> tuple[str, ...]:
        inbox = _Inbox(frozenset({"10.0.0.1"}), lambda: 0)
        for _ in range(WAITING_MAX + 1):
            inbox.datagram_received(b"x", ("10.0.0.1", 1))
            inbox.datagram_received(b"y", ("10.0.0.2", 1))
        return inbox.lost()

    assert asyncio.run(run()) == ("datagrams that found no room",)
