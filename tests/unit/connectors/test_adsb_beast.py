"""Aircraft from a receiver's Beast frames: placed by pairs, none backwards, none a drone; over TCP, frame by frame."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyModeS
import pytest
from pyModeS.position import airborne_position_pair

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.formats.beast import whole_bytes
from connectors.transport.tcp import TcpReader, TcpSettings
from schemas.errors import Fatal, Retriable
from tests.unit.connectors.beast_bytes import airborne, framed, identification, message, surface, velocity
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext("springfield", "adsb", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
NOON_MS = 1_772_971_200_000
"""8 March 2026, 12:00 UTC."""
WHO = "a0b0c1"
STEP_DEG = 360 / 59 / 2**17
"""The coarsest step of a place in the air, so far from a pole: half of it is the error."""
TOULOUSE = SourceContext("toulouse", "adsb", ZoneInfo("Europe/Paris"), Bounds(43, 0.5, 45, 2))
RECEIVER = {"lat": 29.64, "lon": -95.28}


def hears(*frames: bytes, at_ms: int | None = NOON_MS, place: Any = None, **config: Any) -> Reading:
    source: Any = load_source("adsb_beast", CITY, config)
    reading: Reading = source.read(Heard(b"".join(frames), at_ms), {} if place is None else place)
    return reading


def even(at_s: float, lat: float = 29.7, lon: float = -95.3, who: str = WHO) -> bytes:
    return framed(airborne(who, lat, lon, is_odd=False), at_s)


def odd(at_s: float, lat: float = 29.7, lon: float = -95.3, who: str = WHO) -> bytes:
    return framed(airborne(who, lat, lon, is_odd=True), at_s)


def test_a_place_needs_both_halves_and_has_what_was_said_before() -> None:
    reading = hears(
        framed(identification(WHO, "MADEUP1", number=7), 1),
        framed(velocity(WHO, -30, 40), 2),
        even(3, 29.69, -95.31),
        odd(4),
    )
    (event,) = reading.events
    assert (event.topic, event.key) == ("mobility.position", WHO)
    value = event.value
    assert value is not None
    assert value["position"]["lat"] == pytest.approx(29.7, abs=STEP_DEG)
    assert value["position"]["lon"] == pytest.approx(-95.3, abs=2 * STEP_DEG)
    assert value["speed_mps"] == pytest.approx(50 * 1852 / 3600)
    assert value["bearing_deg"] == pytest.approx(323.1301, abs=1e-4)
    assert (value["label"], value["vehicle_type"], value["event_time"]) == ("MADEUP1", "helicopter", NOON_MS)
    assert reading.skipped == {"place that waits for its other half": 1}
    assert not lost_on_the_wire([event])


def test_halves_more_than_ten_seconds_apart_make_no_place() -> None:
    assert len(hears(even(1), odd(11)).events) == 1
    assert not hears(even(1), odd(11.001)).events


def test_one_message_near_the_last_place_or_the_receiver_is_enough() -> None:
    first = hears(even(1), odd(2))
    after = hears(odd(302, 29.8), at_ms=NOON_MS + 300_000, place=first.place)
    assert values(after)[0]["position"]["lat"] == pytest.approx(29.8, abs=STEP_DEG)
    assert not hears(odd(302.1, 29.8), at_ms=NOON_MS + 300_001, place=first.place).events
    (alone,) = values(hears(odd(1), receiver=RECEIVER))
    assert alone["position"]["lat"] == pytest.approx(29.7, abs=STEP_DEG)


def test_a_pair_may_lie_in_two_bodies() -> None:
    place = hears(even(1)).place
    (value,) = values(hears(odd(2), at_ms=NOON_MS + 1_000, place=place))
    assert value["event_time"] == NOON_MS + 1_000


def test_on_the_ground_it_is_placed_near_the_receiver_with_its_own_speed() -> None:
    taxiing = framed(surface(WHO, 29.65, -95.27, is_odd=True, movement=41, track=32), 1)
    assert not hears(taxiing).events
    (value,) = values(hears(framed(velocity(WHO, 300, 0), 0), taxiing, receiver=RECEIVER))
    assert value["position"]["lat"] == pytest.approx(29.65, abs=STEP_DEG / 4)
    assert (value["speed_mps"], value["bearing_deg"]) == (pytest.approx(17 * 1852 / 3600), 90.0)


def test_a_speed_of_more_than_ten_seconds_ago_is_not_known_and_airspeed_is_none() -> None:
    old = hears(framed(velocity(WHO, 300, 0), 0), even(9), odd(10.1))
    assert [(one["speed_mps"], one["bearing_deg"]) for one in values(old)] == [(None, None)]
    air = framed(message(WHO, f"{19:05b}{3:03b}00000" + "1" + "0" * 10 + f"1{201:010b}" + "0" * 21), 9)
    assert values(hears(air, even(9), odd(10)))[0]["speed_mps"] is None


def test_one_that_calls_itself_unmanned_is_counted() -> None:
    reading = hears(framed(identification(WHO, "UAV1", code=3, number=6), 0), even(1), odd(2), even(3))
    assert not reading.events
    assert reading.skipped["unmanned aircraft"] == 2


def test_broken_parity_is_counted_and_dropped() -> None:
    sent = airborne(WHO, 29.7, -95.3, is_odd=True)
    broken = framed(sent[:-1] + bytes([sent[-1] ^ 1]), 2)
    reading = hears(even(1), broken, framed(bytes.fromhex("02e18ca8f1d2ed"), 2, kind=0x32))
    assert not reading.events and not reading.aside
    assert reading.skipped == {
        "place that waits for its other half": 1,
        "message with broken parity": 1,
        "message that is no ADS-B": 1,
    }


def test_a_place_that_cannot_be_reached_is_dropped_with_what_led_to_it() -> None:
    """A half of another hour, whose counter was started anew: the pair gives a place far away."""
    first = hears(even(1), odd(2))
    reading = hears(
        even(3, 29.7, -95.3),
        odd(3.5, 29.9, -95.3),
        odd(4.5),
        even(5),
        place=first.place,
        at_ms=NOON_MS + 3_000,
    )
    assert reading.skipped["place that jumps"] == 1
    assert [round(one["position"]["lat"], 3) for one in values(reading)] == [29.7, 29.7]


def test_times_are_the_arrival_s_less_the_counter_s_steps() -> None:
    reading = hears(even(1), odd(2), even(2.5), odd(4))
    assert [one["event_time"] - NOON_MS for one in values(reading)] == [-2_000, -1_500, 0]


def test_a_recording_that_nobody_timed_needs_its_beginning() -> None:
    frames = even(100), odd(101), even(102)
    assert hears(*frames, at_ms=None).skipped == {"message without a time": 3}
    timed = hears(*frames, at_ms=None, began="2026-03-08T12:00:00Z")
    assert [one["event_time"] for one in values(timed)] == [NOON_MS + 1_000, NOON_MS + 2_000]
    with pytest.raises(Fatal, match="began"):
        hears(began="2026-03-08T12:00:00")


def test_a_body_heard_again_tells_nothing_twice() -> None:
    frames = even(1), odd(2), even(3)
    first = hears(*frames)
    again = hears(*frames, place=first.place)
    assert len(first.events) == 2 and not again.events
    assert again.skipped["no newer than what its vehicle said before"] == 2


def test_what_was_not_heard_for_five_minutes_is_forgotten() -> None:
    place = hears(even(1), odd(2)).place
    after = hears(even(1, who="a0b0c2"), at_ms=NOON_MS + 300_001, place=place).place
    assert set(after["aircraft"]) == {"a0b0c2"} and not after["newest"]


def test_addresses_of_nobody_and_places_elsewhere_are_counted() -> None:
    reading = hears(even(1, who="000000"), even(1, 31.0), odd(2, 31.0))
    assert not reading.events
    assert reading.skipped["address that is none of ICAO's"] == 1
    assert reading.skipped["aircraft outside the city"] == 1


def test_a_body_without_a_frame_is_set_aside() -> None:
    assert len(hears(b"no frames").aside) == 1


def other_pair(even_one: str, odd_one: str, even_is_newer: bool) -> tuple[float, float]:
    """The place of a pair by the other decoder."""
    halves = [pyModeS.decode(one) for one in (even_one, odd_one)]
    raw = [half[name] for half in halves for name in ("cpr_lat", "cpr_lon")]
    found: tuple[float, float] | None = airborne_position_pair(*raw, even_is_newer=even_is_newer)
    assert found is not None
    return found


def test_the_recording_s_aircraft_is_where_the_other_decoder_has_it(data_dir: Path) -> None:
    """Of its four places three have their other half within ten seconds: the pairs are named by hand, with their times."""
    body = (data_dir / "drone/adsb/dump1090_sample.bin").read_bytes()
    source: Any = load_source("adsb_beast", TOULOUSE, {"began": "2020-01-01T00:00:00Z"})
    told = values(source.read(Heard(body, None), {}))
    first_even, first_odd = "8d48520a58c38118524b549e1b08", "8d48520a58c3849c784990179ae0"
    second_odd, second_even = "8d48520a58c3849cc6498c275578", "8d48520a58c3811abc4b3353a802"
    pairs = {  # by the counter's seconds, 12,000,000 to one
        36.0755845: (first_even, first_odd, False),
        37.085551: (first_even, second_odd, False),
        42.9552505: (second_even, second_odd, True),
    }
    expected = [
        other_pair(even_one, odd_one, even_is_newer) for even_one, odd_one, even_is_newer in pairs.values()
    ]
    assert [(one["position"]["lat"], one["position"]["lon"]) for one in told] == [
        pytest.approx(one, abs=1e-9) for one in expected
    ]
    assert {one["vehicle_id"] for one in told} == {"48520a"}
    assert told[-1]["label"] == "TRA89M"
    began_s = 363_366_270 / 12e6  # the first frame's counter
    expected_ms = [1_577_836_800_000 + (at_s - began_s) * 1000 for at_s in pairs]
    assert [one["event_time"] for one in told] == pytest.approx(expected_ms, abs=1)


# over TCP


def over_tcp(
    parts: list[bytes], count: int, *, closes: bool = True, **settings: Any
) -> tuple[list[Heard], str]:
    """The first *count* bodies from a server that sends each part once the one before was taken, and why it ended before."""

    async def heard() -> tuple[list[Heard], str]:
        taken = asyncio.Queue[None]()
        is_over = asyncio.Event()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await taken.get()
            if not closes:
                await is_over.wait()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        clock = iter(range(NOON_MS, NOON_MS + 1_000))
        reader = TcpReader(
            CITY, TcpSettings(port=port, **settings), whole=whole_bytes, now_ms=lambda: next(clock)
        )
        found: list[Heard] = []
        why = ""
        try:
            async for one in reader.listen():
                found.append(one)
                taken.put_nowait(None)
                if len(found) == count:
                    break
        except Retriable as error:
            why = error.what
        is_over.set()
        await reader.close()
        server.close()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)
        return found, why

    return asyncio.run(heard())


def test_frames_are_taken_together_and_one_that_is_cut_waits_for_its_end() -> None:
    first, second = even(1), odd(2)
    found, why = over_tcp([first + second[:9], second[9:] + first], 3)
    assert [one.body for one in found] == [first, second + first]
    assert [one.at_ms for one in found] == [NOON_MS, NOON_MS + 1]
    assert "closed the connection" in why


def test_a_silent_server_is_left_and_one_that_refuses_may_be_tried_again() -> None:
    _, why = over_tcp([], 1, closes=False, silent_s=0.05)
    assert "no byte came" in why

    async def refused() -> None:
        server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        await anext(TcpReader(CITY, TcpSettings(port=port), whole=whole_bytes).listen())

    with pytest.raises(Retriable, match="does not answer"):
        asyncio.run(refused())


def test_without_tcp_it_cannot_listen_and_without_a_host_it_is_this_machine() -> None:
    source: Any = load_source("adsb_beast", CITY, {})
    with pytest.raises(Fatal, match="no tcp"):
        asyncio.run(anext(source.listen()))
    assert (TcpSettings().host, TcpSettings().port) == ("127.0.0.1", 30005)
