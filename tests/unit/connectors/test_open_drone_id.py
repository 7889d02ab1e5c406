"""Messages of Remote ID against tables made by hand.

The offsets and steps are those of ASTM F3411-22a, tables of the message blocks (the same in ASD-STAN 4709-002): each case
spells its bytes, and what they are was worked out from the table, not by the code.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from connectors.formats.open_drone_id import (
    BasicId,
    LocationMessage,
    OperatorId,
    SelfId,
    SystemMessage,
    decode,
    location_ms,
    messages_of,
)
from schemas.errors import Invalid

# type 1, protocol 2 | status 2, above ground, west, slow | track 0x0A | speed 0x14 | climb -3 | lat 29.75 | lon -95.25 |
# pressure | WGS-84 | height | vertical 5, horizontal 12 | pressure 4, speed 4 | tenths | accuracy of time | reserved
HEAD = "12 26 0a 14 fd"
WHERE = "607dbb11 e0003ac7"  # 297,500,000 = 0x11bb7d60; -952,500,000 = 2^32 - 952,500,000 = 0xc73a00e0
KNOWN = f"{HEAD} {WHERE} 6608 9808 3408 5c 44 0f27 02 00"


def location(said: str) -> dict[str, Any]:
    message = bytes.fromhex(said)
    assert len(message) == 25
    found = decode(message)
    assert isinstance(found, LocationMessage)
    return asdict(found)


def test_each_field_of_a_location_is_what_the_standards_table_says() -> None:
    assert location(KNOWN) == {
        "flight_status": "airborne",  # 2
        "lat": 29.75,
        "lon": -95.25,
        "track_deg": 190.0,  # 0x0a = 10, and 180 for west
        "speed_mps": 5.0,  # 20 steps of 0.25
        "vertical_mps": -1.5,  # -3 steps of 0.5
        "pressure_altitude_m": 75.0,  # 0x0866 = 2150 halves, less 1000
        "above_wgs84_m": 100.0,  # 0x0898 = 2200
        "height_m": 50.0,  # 0x0834 = 2100
        "is_above_ground": True,
        "horizontal_accuracy_m": 1.0,  # 12
        "vertical_accuracy_m": 3.0,  # 5
        "pressure_accuracy_m": 10.0,  # 4
        "speed_accuracy_mps": 0.3,  # 4
        "tenths": 9_999,  # 0x270f
        "time_accuracy_s": 0.2,
        "faults": (),
    }


@pytest.mark.parametrize(
    ("said", "expected", "faults"),
    [
        # the sign of unknown of each field, and the last value before it
        (KNOWN.replace(WHERE, "00000000 00000000"), {"lat": None, "lon": None}, ()),
        (KNOWN.replace(WHERE, "00000000 e0003ac7"), {"lat": 0.0, "lon": -95.25}, ()),
        (KNOWN.replace(HEAD, "12 27 0a ff fd"), {"speed_mps": None}, ()),
        (KNOWN.replace(HEAD, "12 27 0a fe fd"), {"speed_mps": 254.25}, ()),  # 254 x 0.75 + 63.75
        (KNOWN.replace(HEAD, "12 27 0a 00 fd"), {"speed_mps": 63.75}, ()),
        (KNOWN.replace(HEAD, "12 26 0a ff fd"), {"speed_mps": 63.75}, ()),  # 255 x 0.25: a speed
        (KNOWN.replace(HEAD, "12 26 0a 14 7e"), {"vertical_mps": None}, ()),  # 126 x 0.5 = 63
        (KNOWN.replace(HEAD, "12 26 0a 14 7c"), {"vertical_mps": 62.0}, ()),
        (KNOWN.replace(HEAD, "12 26 0a 14 84"), {"vertical_mps": -62.0}, ()),
        (KNOWN.replace(HEAD, "12 26 b5 14 fd"), {"track_deg": None}, ()),  # 181 + 180 = 361
        (KNOWN.replace(HEAD, "12 26 b3 14 fd"), {"track_deg": 359.0}, ()),
        (KNOWN.replace(HEAD, "12 24 0a 14 fd"), {"track_deg": 10.0}, ()),
        (KNOWN.replace("6608 9808 3408", "0000 9808 3408"), {"pressure_altitude_m": None}, ()),
        (KNOWN.replace("6608 9808 3408", "6608 0000 3408"), {"above_wgs84_m": None}, ()),
        (KNOWN.replace("6608 9808 3408", "6608 9808 0000"), {"height_m": None}, ()),
        (KNOWN.replace("6608 9808 3408", "6608 9808 0100"), {"height_m": -999.5}, ()),
        (KNOWN.replace(HEAD, "12 22 0a 14 fd"), {"is_above_ground": False}, ()),
        (KNOWN.replace("5c 44", "00 44"), {"horizontal_accuracy_m": None, "vertical_accuracy_m": None}, ()),
        (KNOWN.replace("5c 44", "5c 00"), {"pressure_accuracy_m": None, "speed_accuracy_mps": None}, ()),
        (
            KNOWN.replace("5c 44", "11 44"),
            {"horizontal_accuracy_m": 18_520.0, "vertical_accuracy_m": 150.0},
            (),
        ),
        (KNOWN.replace("0f27 02", "ffff 00"), {"tenths": None, "time_accuracy_s": None}, ()),
        (KNOWN.replace("0f27 02", "a08c 0f"), {"tenths": 36_000, "time_accuracy_s": 1.5}, ()),
        (KNOWN.replace(HEAD, "12 06 0a 14 fd"), {"flight_status": None}, ()),
        # neither a value nor that sign
        (KNOWN.replace(HEAD, "12 26 0a 14 7d"), {"vertical_mps": None}, ("vertical_speed",)),
        (KNOWN.replace(HEAD, "12 26 0a 14 80"), {"vertical_mps": None}, ("vertical_speed",)),
        (KNOWN.replace(HEAD, "12 26 ff 14 fd"), {"track_deg": None}, ("track",)),
        (KNOWN.replace("0f27 02", "a18c 02"), {"tenths": None}, ("timestamp",)),
        (KNOWN.replace("5c 44", "5d 44"), {"horizontal_accuracy_m": None}, ("horizontal_accuracy",)),
        (KNOWN.replace("5c 44", "7c 44"), {"vertical_accuracy_m": None}, ("vertical_accuracy",)),
        (KNOWN.replace("5c 44", "5c 45"), {"speed_accuracy_mps": None}, ("speed_accuracy",)),
        (KNOWN.replace(HEAD, "12 56 0a 14 fd"), {"flight_status": None}, ("flight_status",)),
        (KNOWN.replace(WHERE, "01e9a435 e0003ac7"), {"lat": None, "lon": None}, ("position",)),  # 90.0000001
    ],
)
def test_unknown_is_none_and_the_impossible_a_fault(
    said: str, expected: dict[str, Any], faults: tuple[str, ...]
) -> None:
    found, known = location(said), location(KNOWN)
    assert said != KNOWN
    assert found == {**known, **expected, "faults": faults}


def test_ids_of_each_kind_are_as_people_write_them() -> None:
    zeros = "00" * 20
    cases = {
        "02 12" + b"1AKGAAN8G70R7JS".hex() + "00" * 5: ("serial", "multirotor", "1AKGAAN8G70R7JS", True),
        "02 21" + b"N.1234".hex() + "00" * 14: ("registration", "aeroplane", "N.1234", True),
        "02 3f" + "00112233445566778899aabbccddeeff" + "00" * 4: (
            "utm",
            "other",
            "00112233-4455-6677-8899-aabbccddeeff",
            True,
        ),
        "02 40" + "01" + "ab" * 19: ("session", None, "01" + "ab" * 19, True),
        "02 10" + zeros: ("serial", None, None, True),
        "02 12" + b"AB\x00CD".hex() + "00" * 15: ("serial", "multirotor", "AB", False),
        "02 12" + b"AB\xc3".hex() + "00" * 17: ("serial", "multirotor", "AB", False),
    }
    for said, (kind, drone_type, text, is_whole) in cases.items():
        found = decode(bytes.fromhex(said + "000000"))
        assert found == BasicId(id_kind=kind, drone_type=drone_type, text=text, is_whole=is_whole)
    unheard = decode(bytes.fromhex("02 92" + b"X".hex() + "00" * 22))
    assert isinstance(unheard, BasicId)
    assert (unheard.id_kind, unheard.faults) == (None, ("id_kind",))


def test_what_is_said_of_the_operator_is_read_and_its_unknown_is_none() -> None:
    # 0x42 | class 1, live | place | 1 drone | 50 x 10 m | ceiling | floor | class | altitude | 226,000,000 s from 2019
    known = decode(bytes.fromhex(f"42 05 {WHERE} 0100 32 9808 0000 15 3408 807c780d 00"))
    assert known == SystemMessage(
        operator_kind="live",
        lat=29.75,
        lon=-95.25,
        above_wgs84_m=50.0,
        area_count=1,
        area_radius_m=500.0,
        area_ceiling_m=100.0,
        area_floor_m=None,
        at_s=1_772_300_800,  # 1,546,300,800 + 226,000,000 = 0x0d787c80
    )
    unknown = decode(bytes.fromhex("42 00" + "00" * 23))
    assert isinstance(unknown, SystemMessage)
    assert set(asdict(unknown).values()) == {None, ()}
    wrong = decode(bytes.fromhex(f"42 03 {WHERE}" + "00" * 15))
    assert isinstance(wrong, SystemMessage)
    assert (wrong.operator_kind, wrong.faults) == (None, ("operator_position_kind",))
    operator = decode(bytes.fromhex("52 00" + b"GBR-OP-123ABCD".hex() + "00" * 9))
    assert operator == OperatorId(text="GBR-OP-123ABCD")
    assert decode(bytes.fromhex("32 00" + b"Recreational".hex() + "00" * 11)) == SelfId(
        kind=0, text="Recreational"
    )
    assert decode(bytes.fromhex("22" + "00" * 24)) is None, "authentication is not read"


def test_a_pack_is_its_messages_and_a_cut_one_is_none() -> None:
    one, two = bytes.fromhex(KNOWN), bytes.fromhex("02" + "00" * 24)
    assert messages_of(one) == [one]
    assert messages_of(b"\xf2\x19\x02" + one + two) == [one, two]
    for wrong in (
        b"",
        one[:24],
        b"\xf2\x19\x02" + one + two[:-1],
        b"\xf2\x18\x01" + one,
        b"\xf2\x19\x00",
        b"\xf2\x19\x0a",
    ):
        with pytest.raises(Invalid):
            messages_of(wrong)
    for wrong in (b"\x13" + one[1:], b"\x62" + one[1:], one[:-1]):
        with pytest.raises(Invalid):
            decode(wrong)


HOUR = 1_772_971_200_000  # 2026-03-08 12:00 UTC


@pytest.mark.parametrize(
    ("tenths", "near_ms", "expected_ms"),
    [
        (0, HOUR, HOUR),
        (35_999, HOUR + 200, HOUR - 100),  # said before the hour, heard after it
        (1, HOUR - 50, HOUR + 100),  # the sender's clock is a little ahead
        (36_000, HOUR + 50, HOUR),
        (17_999, HOUR, HOUR + 1_799_900),
        (18_001, HOUR, HOUR - 1_799_900),
    ],
)
def test_a_time_within_the_hour_does_not_jump_at_its_border(
    tenths: int, near_ms: int, expected_ms: int
) -> None:
    assert location_ms(tenths, near_ms) == expected_ms
