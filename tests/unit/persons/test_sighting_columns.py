"""Rows of ``cctv.person`` as columns: the kernel and the row decoder agree, and a case sees what the judge lets it."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from deploy.laws import case_law_named
from schemas.catalogue import Contract, Schema, load_catalogue
from schemas.event import Event
from schemas.wire import Wire
from streams.cases.judge import Allowed, Case, Sighting, judge, may_see
from streams.deliver.polygon import holds
from streams.persons.analytic_table import ATTRIBUTES, AnalyticTable, words_of_attribute
from streams.persons.looks import UNSAID
from streams.sightings.case_view import CaseView, PlacedCamera, are_inside
from streams.sightings.sighting_columns import EVENT, SightingColumns, SightingReader
from streams.sightings.sighting_kernel import text_number
from tests.hub_bus import whole
from tests.person_town import HOUR_MS, LOOKS, NOON, a_person
from tests.unit.cases.a_case import SQUARE, a_case

CITY = "town"


class OneSchema:
    """A registry that knows one number for each contract's newest version. *beyond*: numbers unlike those written."""

    def __init__(self, beyond: int = 0) -> None:
        self.beyond = beyond

    def id_of(self, _topic: str, _contract: Contract) -> int:
        return 70_000 + self.beyond

    def schema_of(self, _number: int) -> Schema:
        return load_catalogue()["cctv.person"].newest


def frames_of(rows: list[Any]) -> list[bytes]:
    wire = Wire(OneSchema())  # type: ignore[arg-type] # the two methods that a wire calls
    made = []
    for topic, key, row in whole(rows):
        _, _, frame = wire.encode(CITY, Event(topic, key, {**(row or {}), "city": CITY}))
        made.append(frame or b"")
    return made


def read(frames: list[bytes], *, beyond: int = 0) -> SightingColumns:
    reader = SightingReader(CITY, Wire(OneSchema(beyond)))  # type: ignore[arg-type] # as above
    count = len(frames)
    return reader.read(frames, np.zeros(count, np.int64), np.arange(count, dtype=np.int64))


def some_rows(random: Random, count: int) -> list[Any]:
    found = []
    for number in range(count):
        names = random.sample(ATTRIBUTES, random.randrange(len(ATTRIBUTES) + 1))
        looks = {name: random.choice(words_of_attribute(name)) for name in names}
        position = {
            "lat": random.uniform(37.48, 37.54),
            "lon": random.uniform(126.74, 126.81),
            "accuracy_m": random.choice((None, 5.0)),
        }
        said: dict[str, Any] = {
            "position": random.choice((None, position)),
            "case_id": random.choice((None, None, "case-1", "case-2")),
            "clock_error_s": random.choice((None, 2.0)),
            "track_id": random.choice((None, "7", "é")),
            "event_time_accuracy_s": random.choice((None, 1.5)),
        }
        said["score"] = None if said["case_id"] is None else random.choice((None, 0.5))
        at_ms = NOON - random.randrange(30 * HOUR_MS) + HOUR_MS
        analytic = random.choice(("onvif", "axis", "person_matches", "unheard-of"))
        topic, key, row = a_person(number, f"cam-{random.randrange(8)}", at_ms, looks, analytic, **said)
        about = dict(row or {})
        for trait in about["attributes"]:
            trait["confidence"] = random.choice((None, 0.49, 0.5, 1.0))
        if random.random() < 0.3:
            about["crop"] = random.choice((None, {"ref": "x", "expires_at": None}))
        found.append((topic, key, about))
    return found


def test_the_kernel_reads_what_the_row_decoder_reads() -> None:
    frames = frames_of(some_rows(Random(3), 500))
    fast, slow = read(frames), read(frames, beyond=1)  # by an unknown number each row is decoded by itself
    assert len(fast) == 500
    np.testing.assert_array_equal(fast.numbers, slow.numbers)
    np.testing.assert_array_equal(fast.at, slow.at)
    np.testing.assert_array_equal(fast.words, slow.words)
    assert (fast.words != UNSAID).any()


def test_a_cut_or_lengthened_frame_is_named_and_left_out() -> None:
    one = a_person(1, "cam-1", NOON, LOOKS)
    (frame,) = frames_of([one])
    cut = [frame[:end] for end in range(len(frame))]
    many = read([*cut, frame, frame + b"0"])
    assert list(many.unread) == [*range(len(cut)), len(cut) + 1]
    assert many.numbers[:, EVENT].tolist() == [text_number((one[2] or {})["event_id"])]


def test_points_lie_inside_as_the_judge_has_it() -> None:
    random = Random(4)
    area = [(random.uniform(0, 1), random.uniform(0, 1)) for _ in range(9)]
    lat, lon = (
        np.array([random.random() for _ in range(3000)]),
        np.array([random.random() for _ in range(3000)]),
    )
    wanted = [holds(area, float(a), float(b)) for a, b in zip(lat, lon, strict=True)]
    assert are_inside(area, lat, lon).tolist() == wanted and 0 < sum(wanted) < 3000


CASES = [a_case(), a_case(authorisation_id="court-7"), a_case(is_urgent=True, from_ms=NOON - 40 * HOUR_MS)]


@pytest.mark.parametrize("law", ["kr", "eu"])
@pytest.mark.parametrize("case", CASES)
def test_a_case_sees_exactly_what_the_judge_lets_it_see(law: str, case: Case) -> None:
    rules, random = case_law_named(law), Random(5)
    cameras = [
        PlacedCamera(f"cam-{n}", 37.48 + 0.01 * n, 126.76 if n else 126.9) for n in range(7)
    ]  # two of them outside, and an eighth that nobody lists
    rows = whole(some_rows(random, 3000))
    many = read(frames_of(rows))
    verdict = judge(case, rules, NOON)
    assert isinstance(verdict, Allowed)
    view = CaseView(case, rules, cameras, AnalyticTable({}).names)
    seen, its_cameras = view.allowed(many, verdict, NOON)
    at = {one.camera_id: (one.lat, one.lon) for one in cameras if holds(SQUARE, one.lat, one.lon)}
    wanted = []
    for number, (_, _, row) in enumerate(rows):
        if row is None or row["camera_id"] not in at:
            continue
        place = row["position"] or dict(zip(("lat", "lon"), at[row["camera_id"]], strict=True))
        one = Sighting(
            row["event_time"],
            row["analytic"],
            place["lat"],
            place["lon"],
            row["score"] is not None,
            row["case_id"],
        )
        if may_see(case, verdict, one, rules, NOON):
            wanted.append(number)
    assert seen.tolist() == wanted and len(wanted) > 20
    names = [view.cameras[camera].camera_id for camera in its_cameras.tolist()]
    assert names == [rows[number][2]["camera_id"] for number in wanted]  # type: ignore[index] # each has a row
    assert view.allowed(many, verdict, verdict.until_ms)[0].tolist() == []


def test_an_analytic_with_shares_of_its_own_has_columns_of_its_own() -> None:
    table = AnalyticTable({"axis": {"upper_colour": 0.99}})
    case, rules = a_case(), case_law_named("kr")
    rows = [
        a_person(n, "cam-1", NOON - 1, {"upper_colour": "red"}, name)
        for n, name in enumerate(("onvif", "axis"))
    ]
    many = read(frames_of(rows))
    view = CaseView(case, rules, [PlacedCamera("cam-1", 37.50, 126.77)], table.names)
    seen = view.seen(many, *view.allowed(many, judge(case, rules, NOON), NOON))  # type: ignore[arg-type] # it is allowed
    usual, own = table.looks({"upper_colour": "red"}).log_ratio(seen.words).tolist()
    assert own > usual > 0
    assert table.looks({"upper_colour": "no-such-word", "unknown": "red"}).log_ratio(seen.words).tolist() == [
        0,
        0,
    ]


def test_clothes_are_clothes_in_the_columns_of_each_analytic() -> None:
    table = AnalyticTable({"axis": {"hat": 0.99}})
    is_worn = table.looks(LOOKS).is_worn
    worn = {name for name, is_one in zip(table.columns, is_worn, strict=True) if is_one}
    assert worn >= {"upper_colour", "axis/upper_colour", "hat", "axis/hat"} and len(worn) % 2 == 0
    assert not worn & {"hair", "axis/hair", "bag", "axis/bag"}
