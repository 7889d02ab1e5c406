"""ADS-B messages: published examples with their values, a recording against another decoder, and any place on earth."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyModeS
import pytest
from pyModeS.position import airborne_position_pair

from connectors.formats.beast import BeastFrame, beast_frames, times_ms, whole_bytes
from connectors.formats.cpr import CprPlace, longitude_zones, place_near, place_of_pair
from connectors.formats.mode_s import (
    AirbornePlace,
    Identification,
    SurfacePlace,
    Velocity,
    is_extended_squitter,
    movement_kn,
    parity_remainder,
    squitter_of,
)
from schemas.errors import Invalid
from tests.unit.connectors.beast_bytes import (
    NL_59_TO_2,
    airborne,
    framed,
    identification,
    message,
    surface,
    velocity,
    zones,
)

ADDRESS = "a0b0c1"
EVEN, ODD = "8D40621D58C382D690C8AC2863A7", "8D40621D58C386435CC412692AD6"
"""J. Sun, The 1090 Megahertz Riddle, chapter 5: 52.25720° N 3.91937° E by the pair whose even message is the newer."""
SEED = 20_261_130


def said(text: str) -> Any:
    return squitter_of(bytes.fromhex(text))


def place(text: str) -> CprPlace:
    found: CprPlace = said(text).place
    return found


def test_the_published_identification() -> None:
    """The Riddle, chapter 4: KLM1023, set A, no category."""
    assert said("8D4840D6202CC371C32CE0576098") == Identification("4840d6", "KLM1023", None)


def test_the_published_airborne_place() -> None:
    even = said(EVEN)
    assert (even.altitude_ft, even.is_geometric) == (38_000.0, False)
    assert (even.place.lat, even.place.lon, even.place.is_odd) == (93_000, 51_372, False)
    assert (place(ODD).lat, place(ODD).lon) == (74_158, 50_194)
    found = place_of_pair(place(EVEN), place(ODD), odd_is_newer=False)
    assert found == pytest.approx((52.25720, 3.91937), abs=6e-6)
    assert place_near(place(EVEN), 52.258, 3.918) == pytest.approx((52.25720, 3.91937), abs=6e-6)


def test_the_published_surface_place() -> None:
    """The Riddle, chapter 6: by the odd message, near 51.990° N 4.375° E."""
    one = said("8C4841753A8A35323FAEBDAC702D")
    assert isinstance(one, SurfacePlace)
    assert one.address == "484175"
    found = place_near(one.place, 51.990, 4.375, on_ground=True)
    assert found == pytest.approx((52.32061, 4.73473), abs=6e-6)
    moving = said("8C4841753A9A153237AEF0F275BE")
    assert (moving.speed_kn, moving.track_deg) == (17.0, 92.8125)


def test_the_published_velocities() -> None:
    """The Riddle, chapter 7: 159.20 kn, 182.88°, -832 ft/min; 375 kn true, heading 243.98°, -2,304 ft/min."""
    ground, air = said("8D485020994409940838175B284F"), said("8DA05F219B06B6AF189400CBC33F")
    assert (ground.speed_kn, ground.track_deg) == pytest.approx((159.20, 182.88), abs=0.005)
    assert (ground.climb_fpm, ground.airspeed_kn) == (-832, None)
    assert (air.airspeed_kn, air.climb_fpm, air.speed_kn, air.track_deg) == (375.0, -2_304, None, None)
    assert air.heading_deg == pytest.approx(243.98, abs=0.005)


@pytest.mark.parametrize("bit", [0, 4, 40, 87, 88, 111])
def test_a_single_wrong_bit_breaks_the_parity(bit: int) -> None:
    right = bytes.fromhex(EVEN)
    wrong = (int.from_bytes(right) ^ 1 << 111 - bit).to_bytes(14)
    assert parity_remainder(right) == 0
    assert parity_remainder(wrong) != 0
    if is_extended_squitter(wrong):
        with pytest.raises(Invalid, match="parity"):
            squitter_of(wrong)
    else:
        assert squitter_of(wrong) is None


def test_relayed_messages_and_other_kinds_are_none() -> None:
    me = "01011" + "0" * 51
    assert isinstance(squitter_of(message(ADDRESS, me, head="10010000")), AirbornePlace)
    assert squitter_of(message(ADDRESS, me, head="10010010")) is None, "format 18, control field 2: relayed"
    assert squitter_of(message(ADDRESS, "11100" + "0" * 51)) is None, "type 28"
    assert squitter_of(bytes(7)) is None


@pytest.mark.parametrize(
    ("bits", "feet"),
    [
        ("000000010000", -1_000.0),
        ("110000111000", 38_000.0),  # as the published message
        ("000000110010", -550.0),  # n = 18, by hand: 18 x 25 - 1,000
        ("000000000000", None),
        ("010101000101", None),  # Q bit 0: Gillham's code
    ],
)
def test_heights_by_the_q_bit(bits: str, feet: float | None) -> None:
    one = squitter_of(message(ADDRESS, "01011000" + bits + "0" * 36))
    assert isinstance(one, AirbornePlace)
    assert one.altitude_ft == feet


def test_speeds_on_the_ground_by_their_code() -> None:
    """DO-260B, table 2-17: the ends of its ranges."""
    table = {0: None, 1: 0.0, 2: 0.125, 8: 0.875, 9: 1.0, 12: 1.75, 13: 2.0, 38: 14.5, 39: 15.0, 93: 69.0}
    table |= {94: 70.0, 108: 98.0, 109: 100.0, 123: 170.0, 124: 175.0, 125: None, 127: None}
    assert {code: movement_kn(code) for code in table} == table


def test_velocities_of_each_subtype() -> None:
    """By hand: 3-4-5 triangles; subtype 2 counts in steps of 4 kn; 0 is not known."""
    slow, fast = squitter_of(velocity(ADDRESS, -30, 40)), squitter_of(velocity(ADDRESS, 600, 800, subtype=2))
    assert isinstance(slow, Velocity)
    assert (slow.speed_kn, slow.track_deg) == pytest.approx((50.0, 323.1301), abs=1e-4)
    assert isinstance(fast, Velocity)
    assert fast.speed_kn == pytest.approx(1_000.0)
    unknown = squitter_of(message(ADDRESS, f"{19:05b}{1:03b}" + "0" * 48))
    assert unknown == Velocity(ADDRESS)
    standing = squitter_of(velocity(ADDRESS, 0, 0))
    assert isinstance(standing, Velocity)
    assert (standing.speed_kn, standing.track_deg) == (0.0, None)
    sonic = squitter_of(message(ADDRESS, f"{19:05b}{4:03b}00000" + "0" * 11 + f"1{201:010b}" + "0" * 21))
    assert isinstance(sonic, Velocity)
    assert (sonic.airspeed_kn, sonic.heading_deg) == (800.0, None)


def test_longitude_zones_are_those_of_the_table() -> None:
    for count, edge in zip(range(59, 1, -1), NL_59_TO_2, strict=True):
        assert longitude_zones(edge - 1e-6) == longitude_zones(-edge + 1e-6) == count
        assert longitude_zones(edge + 1e-6) == count - 1
    assert (longitude_zones(0), longitude_zones(90)) == (59, 1)


def test_any_place_comes_back_as_the_other_decoder_has_it() -> None:
    """Two thousand places written by the standard's formula: within 10 m of it, and the other decoder's to 1e-9°."""
    chance = random.Random(SEED)
    for _ in range(2_000):
        lat, lon = chance.uniform(-86, 86), chance.uniform(-180, 180)
        pair = [airborne(ADDRESS, lat, lon, is_odd=is_odd) for is_odd in (False, True)]
        odd_is_newer = chance.random() < 0.5
        even, odd = (squitter_of(one) for one in pair)
        assert isinstance(even, AirbornePlace) and isinstance(odd, AirbornePlace)
        found = place_of_pair(even.place, odd.place, odd_is_newer=odd_is_newer)
        if found is None:
            edges = [edge for edge in NL_59_TO_2 if abs(abs(lat) - edge) < 1e-4]
            assert edges, (SEED, lat, lon, "only at the edge of a band")
            continue
        newer = pair[odd_is_newer]
        told = pyModeS.decode(newer.hex(), reference=(lat, lon))
        assert found == pytest.approx((told["latitude"], told["longitude"]), abs=1e-9)
        assert found[0] == pytest.approx(lat, abs=5e-5)
        width = 360 / max(zones(lat) - odd_is_newer, 1)
        assert abs((found[1] - lon + 180) % 360 - 180) <= width / 2**17
        assert place_near((odd if odd_is_newer else even).place, lat + 1, lon) == pytest.approx(
            found, abs=1e-9
        )


@pytest.mark.parametrize("edge", [NL_59_TO_2[0], NL_59_TO_2[19], -NL_59_TO_2[40]])
def test_halves_on_two_sides_of_a_band_make_no_place(edge: float) -> None:
    """Their longitudes count zones of different numbers: the place would be far off, as the other decoder knows too."""
    halves = [
        airborne(ADDRESS, edge - 0.01, 20, is_odd=False),
        airborne(ADDRESS, edge + 0.01, 20, is_odd=True),
    ]
    even, odd = (squitter_of(one) for one in halves)
    assert isinstance(even, AirbornePlace) and isinstance(odd, AirbornePlace)
    raw = [number for one in (even, odd) for number in (one.place.lat, one.place.lon)]
    assert airborne_position_pair(*raw, even_is_newer=False) is None
    assert place_of_pair(even.place, odd.place, odd_is_newer=True) is None


def test_any_place_on_the_ground_comes_back() -> None:
    chance = random.Random(SEED)
    for _ in range(500):
        lat, lon = chance.uniform(-80, 80), chance.uniform(-179, 179)
        sent = surface(ADDRESS, lat, lon, is_odd=chance.random() < 0.5)
        one = squitter_of(sent)
        assert isinstance(one, SurfacePlace)
        found = place_near(one.place, lat + 0.2, lon - 0.2, on_ground=True)
        told = pyModeS.decode(sent.hex(), surface_ref=(lat + 0.2, lon - 0.2))
        assert found == pytest.approx((told["latitude"], told["longitude"]), abs=1e-9)
        assert (one.speed_kn, one.track_deg) == (told["groundspeed"], told["track"])


def test_the_recording_is_read_as_the_other_decoder_reads_it(data_dir: Path) -> None:
    skipped = Counter[str]()
    frames = beast_frames((data_dir / "drone/adsb/dump1090_sample.bin").read_bytes(), skipped)
    assert len(frames) == 239 and not skipped
    assert Counter(frame.message[0] >> 3 for frame in frames if len(frame.message) == 14)[17] == 23
    kinds = Counter[str]()
    for frame in frames:
        told = pyModeS.decode(frame.message.hex(), reference=(43.6, 1.4))
        assert is_extended_squitter(frame.message) == (told["df"] in (17, 18))
        if not is_extended_squitter(frame.message):
            continue
        assert told["crc_valid"]
        one = squitter_of(frame.message)
        kinds[type(one).__name__] += 1
        match one:
            case Identification():
                assert (one.callsign, one.category) == (told["callsign"], f"A{told['category']}")
            case AirbornePlace():
                assert one.altitude_ft == told["altitude"]
                assert place_near(one.place, 43.6, 1.4) == pytest.approx(
                    (told["latitude"], told["longitude"]), abs=1e-9
                )
            case Velocity():
                assert one.speed_kn == pytest.approx(told["groundspeed"], abs=0.5)
                assert one.track_deg == pytest.approx(told["track"])
                assert one.climb_fpm == told["vertical_rate"]
            case _:
                assert told["typecode"] not in range(1, 23)
    assert kinds == {"Velocity": 8, "AirbornePlace": 4, "Identification": 1, "NoneType": 10}


def test_identifications_are_the_other_decoder_s() -> None:
    sent = identification(ADDRESS, "N0 9ZQX", code=3, number=6)
    assert squitter_of(sent) == Identification(ADDRESS, "N0 9ZQX", "B6")
    assert pyModeS.decode(sent.hex())["crc_valid"]


def test_frames_are_cut_as_they_were_written() -> None:
    """A byte 0x1A in the counter, the signal and the message stands twice, by hand."""
    body = bytes.fromhex("1a 32 00001a1a000001 1a1a 021a1a8ca8f1d2ed")
    skipped = Counter[str]()
    assert beast_frames(body, skipped) == [BeastFrame(0x1A000001, 0x1A, bytes.fromhex("021a8ca8f1d2ed"))]
    assert not skipped and whole_bytes(body) == len(body)


@pytest.mark.parametrize("cut", range(1, 26))
def test_a_stream_cut_anywhere_loses_no_frame(cut: int) -> None:
    first, second = framed(bytes(7), 0.1, kind=0x32), framed(b"\x1a" * 14, 0.2, signal=0x1A)
    body = first + second
    end = len(first) + cut
    whole = whole_bytes(body[:end])
    assert whole == (len(body) if end >= len(body) else len(first))
    skipped = Counter[str]()
    both = beast_frames(body[:whole], skipped) + beast_frames(body[whole:], skipped)
    assert both == beast_frames(body, skipped) and len(both) == 2 and not skipped


def test_what_is_no_frame_is_counted_and_costs_no_neighbour() -> None:
    good = framed(bytes(14), 1.0)
    skipped = Counter[str]()
    found = beast_frames(b"noise" + good + good[:9] + good + b"\x1a\x39" + b"more" + good + good[:5], skipped)
    assert len(found) == 3
    assert skipped == {
        "bytes between frames": 2,
        "frame cut by another": 1,
        "frame of another type": 1,
        "frame that does not end": 1,
    }


def test_times_follow_the_counter_and_not_its_jumps() -> None:
    ticks = [12_000_000 * second for second in (5, 6, 8, 1, 2, 90_000, 90_001)]
    frames = [BeastFrame(one, 0, b"") for one in ticks]
    assert times_ms(frames, last_ms=100_000) == [95_000, 96_000, 98_000, 98_000, 99_000, 99_000, 100_000]
