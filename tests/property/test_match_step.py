"""Wherever a worker dies, the log is cut or a watch opens: each match is published exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.framing import frame
from schemas.rows import RowCodec
from streams.match.core.config import MatchConfig
from streams.match.core.evidence import Evidence, EvidenceColumns, evidence_event
from streams.match.core.flow import SECOND_MS, Partition
from streams.match.core.open_watches import WatchRecord
from streams.match.core.recent import Recent
from streams.match.core.texts import RowTexts, Texts
from streams.match.core.watches import Watch
from streams.match.native.evidence_frames import EvidenceFrames, agree
from streams.runtime.records import headers_of
from tests.match_log import Life, Log, Written, expected, in_time
from tests.match_oracle import LAT, LON, NOON_MS, Sight, a_watch, is_inside, wants
from tests.property.test_match import LABELS, NEAR, TOKENS, clear, watches

CASES = settings(max_examples=120, suppress_health_check=list(HealthCheck))
LATENESS_S = 3
MANY = 10_000
GENEROUS = MatchConfig(lateness_s=LATENESS_S, look_back_s=3_600, per_second_max=MANY)
STRICT = MatchConfig(lateness_s=LATENESS_S, look_back_s=3_600, per_second_max=2)
TRIM = Recent.trim
moments = st.integers(NOON_MS, NOON_MS + 12_000)


@st.composite
def sights(draw: st.DrawFn) -> Sight:
    lat, lon = draw(st.one_of(st.tuples(NEAR, NEAR), st.just((None, None))))
    return Sight(
        None if lat is None else LAT + lat,
        None if lon is None else LON + lon,
        draw(moments),
        draw(st.sampled_from(LABELS)),
        draw(st.sampled_from([None, *TOKENS])),
        draw(st.sampled_from([None, "a", "b"])),
        draw(st.sampled_from([None, 0.25, 0.5, 0.9])),
        draw(st.sampled_from(["cctv.detection", "cctv.plate", "mobility.position"])),
    )


@st.composite
def partitions(draw: st.DrawFn) -> list[list[Written]]:
    """Two partitions; a record is received up to seven seconds after its event time."""
    parts = []
    for number in range(2):
        seen = draw(st.lists(st.tuples(sights(), st.integers(0, 7_000)), max_size=14))
        parts.append(
            [
                Written(one, one.time + late, f"o{number}-{n}", f"s{n % 2}")
                for n, (one, late) in enumerate(seen)
            ]
        )
    return parts


@st.composite
def wide_watches(draw: st.DrawFn) -> list[Watch]:
    """Watches whose time spans all or a part of the log."""
    found = [a_watch("all", since=NOON_MS)]
    for number in range(draw(st.integers(0, 4))):
        one = draw(watches(number))
        opens_at = draw(moments)
        closes_at = draw(st.sampled_from([opens_at, opens_at + 4_000, opens_at + 10**9]))
        found.append(replace(one, opens_at=opens_at - 5_000, closes_at=closes_at, since=opens_at))
    return found


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 6), st.integers(0, 6)),
        st.tuples(st.just("tell"), st.integers(1, 2), st.just(0)),
        st.tuples(st.just("commit"), st.just(0), st.just(0)),
        st.tuples(st.just("die"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("commit and die"), st.integers(0, 5), st.just(0)),
    ),
    min_size=4,
    max_size=14,
)


def a_log(parts: list[list[Written]], wanted: list[Watch]) -> Log:
    cleared = [
        [one for one in part if clear(wanted, [one.sight])] for part in parts
    ]  # a place on an edge, within rounding, is no test of this
    return Log(cleared, [WatchRecord(offset, one.watch_id, one) for offset, one in enumerate(wanted)])


def lived(log: Log, config: MatchConfig, what: list[Any]) -> Life:
    life = Life(log, config)
    for deed, first, second in what:
        match deed:
            case "read":
                life.read({0: first, 1: second})
            case "tell":
                life.tell(first)
            case "commit":
                life.commit()
            case "die":
                life.start(first)
            case "commit and die":
                life.commit()
                life.start(first)
    life.finish()
    return life


@CASES
@given(partitions(), wide_watches(), deeds)
def test_whoever_dies_and_whenever_a_watch_opens_each_match_is_told_once(
    parts: list[list[Written]], wanted: list[Watch], what: list[Any]
) -> None:
    log = a_log(parts, wanted)
    life = lived(log, GENEROUS, what)
    assert life.pairs() == Counter(expected(wanted, log, LATENESS_S * SECOND_MS))
    ids = [one.value["event_id"] for one in life.told if one.value is not None]
    assert len(ids) == len(set(ids))


def always_compressed(recent: Recent, watermarks: Mapping[Partition, int]) -> None:
    recent._settle()
    while recent._chunks:
        recent._compress()
    TRIM(recent, watermarks)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(partitions(), wide_watches(), deeds)
def test_compressed_observations_are_found_as_others_are(
    parts: list[list[Written]], wanted: list[Watch], what: list[Any]
) -> None:
    log = a_log(parts, wanted)
    # so few rows grow by compression; they are to be compressed all the same
    with (
        patch.object(Recent, "trim", always_compressed),
        patch("streams.match.core.compressed.COMPRESSED_ROOM", -(10**6)),
    ):
        life = lived(log, GENEROUS, what)
    assert life.pairs() == Counter(expected(wanted, log, LATENESS_S * SECOND_MS))


@CASES
@given(partitions(), wide_watches(), deeds)
def test_what_comes_too_late_is_counted_by_its_source(
    parts: list[list[Written]], wanted: list[Watch], what: list[Any]
) -> None:
    log = a_log(parts, wanted)
    late = Counter(one.source for part in log.partitions for one in part)
    for part in log.partitions:
        late -= Counter(one.source for _, one in in_time(part, LATENESS_S * SECOND_MS))
    assert lived(log, GENEROUS, what).late == late


@CASES
@given(partitions(), wide_watches(), st.randoms(), deeds)
def test_order_within_the_allowed_lateness_does_not_matter(
    parts: list[list[Written]], wanted: list[Watch], chance: Any, what: list[Any]
) -> None:
    within = [
        [replace(one, received=NOON_MS + 12_000 + min(one.received % 1_000, 900)) for one in part]
        for part in parts
    ]
    config = MatchConfig(lateness_s=14, look_back_s=3_600, per_second_max=MANY)
    shuffled = [chance.sample(part, len(part)) for part in within]
    calm, other = lived(a_log(within, wanted), config, []), lived(a_log(shuffled, wanted), config, what)
    assert calm.pairs() == other.pairs()
    assert not calm.late and not other.late


@CASES
@given(partitions(), wide_watches(), deeds)
def test_of_each_second_a_watch_is_told_its_bound_and_the_rest_is_counted_once(
    parts: list[list[Written]], wanted: list[Watch], what: list[Any]
) -> None:
    """The first matches of each partition are published, wherever workers died."""
    log = a_log(parts, wanted)
    for number, part in enumerate(log.partitions):  # a record that ends all seconds
        part.append(Written(Sight(None, None, NOON_MS + 10**6, "dog"), NOON_MS + 10**6, f"end{number}"))
    told: Counter[tuple[str, str]] = Counter()
    left: Counter[tuple[str, int, int]] = Counter()
    for number, part in enumerate(log.partitions):
        seconds: Counter[tuple[str, int, int]] = Counter()
        for _, one in in_time(part, LATENESS_S * SECOND_MS):
            for watch in wanted:
                if wants(watch, one.sight) and is_inside(watch, one.sight):
                    second = (watch.watch_id, one.sight.time - one.sight.time % SECOND_MS, number)
                    seconds[second] += 1
                    if seconds[second] <= (watch.per_second_max or STRICT.per_second_max):
                        told[watch.watch_id, one.observation_id] += 1
                    else:
                        left[second] += 1
    life = lived(log, STRICT, what)
    assert life.pairs() == told
    assert life.left_out() == left


@CASES
@given(partitions(), wide_watches(), deeds)
def test_an_observation_that_stands_twice_in_the_log_is_told_once(
    parts: list[list[Written]], wanted: list[Watch], what: list[Any]
) -> None:
    log = a_log([[one for one in part for _ in range(2)] for part in parts], wanted)
    assert lived(log, GENEROUS, what).pairs() == Counter(expected(wanted, log, LATENESS_S * SECOND_MS))


@CASES
@given(
    st.lists(st.tuples(NEAR, NEAR, st.integers(0, 12)), max_size=20),
    st.sampled_from([0.0, 80.0]),
    st.sampled_from(["entered", "left"]),
    deeds,
)
def test_a_fence_tells_each_coming_and_going_once_wherever_workers_die(
    way: list[tuple[float, float, int]], hysteresis_m: float, event: str, what: list[Any]
) -> None:
    fence = a_watch("fence", event=event, radius_m=250.0, hysteresis_m=hysteresis_m)
    steps = [
        Sight(LAT + lat, LON + lon, NOON_MS + time * 100, "scooter", None, "s1", contract="mobility.position")
        for lat, lon, time in way
    ]
    written = [Written(one, one.time, f"o{number}") for number, one in enumerate(steps)]
    log = Log([written, []], [WatchRecord(0, "fence", fence)])
    calm = Life(log, GENEROUS)
    calm.finish()
    assert lived(log, GENEROUS, what).pairs() == calm.pairs()


def test_a_watch_that_ended_is_told_no_more_and_one_that_moved_is_told_of_its_new_place() -> None:
    near, far = Sight(LAT, LON, NOON_MS), Sight(LAT + 0.1, LON, NOON_MS)
    written = [Written(one, NOON_MS, f"o{number}") for number, one in enumerate((near, far) * 3)]
    first, moved = a_watch("w"), a_watch("w", revision=2, centre=(LAT + 0.1, LON))
    log = Log([written], [WatchRecord(0, "w", first), WatchRecord(1, "w", moved), WatchRecord(2, "w", None)])
    life = Life(log, GENEROUS)
    life.read({0: 1})
    life.tell(1)  # finds o0 by the look back
    life.read({0: 2})  # o1 is far, o2 near
    life.tell(1)  # it moves: its earlier sights there are not looked up
    life.read({0: 1})  # o3 is within the watch now
    life.tell(1)
    life.read({0: 2})
    life.commit()
    assert life.pairs() == Counter({("w", "o0"): 1, ("w", "o2"): 1, ("w", "o3"): 1})


def test_what_there_is_no_room_for_is_dropped_oldest_first_and_counted() -> None:
    config = MatchConfig(look_back_s=3_600, look_back_mb=1)
    written = [Written(Sight(time=NOON_MS + n), NOON_MS + n, f"o{n}") for n in range(20_000)]
    log = Log([written], [WatchRecord(0, "w", a_watch("w", opens_at=0, per_second_max=MANY))])
    life = Life(log, config)
    for _ in range(4):
        life.read({0: 5_000})
        assert life.match.recent.nbytes <= 1 << 20
    life.tell(1)
    life.commit()
    dropped = life.match.recent.dropped
    assert 0 < dropped < 20_000
    assert life.pairs() == Counter({("w", f"o{n}"): 1 for n in range(dropped, 20_000)})


def test_an_event_from_the_future_is_set_aside_and_moves_no_clock() -> None:
    there = Sight(time=NOON_MS)
    written = [
        Written(replace(there, time=NOON_MS + 10**6), NOON_MS, "early"),
        Written(replace(there, time=NOON_MS + 10**9), NOON_MS + 10**9, "far"),
        Written(there, NOON_MS, "now"),
    ]
    life = Life(Log([written], [WatchRecord(0, "w", a_watch("w"))]), GENEROUS)
    life.finish()
    assert life.pairs() == Counter({("w", "now"): 1})
    assert [record.value for record, _ in life.aside] == [b"early", b"far"]


def test_a_worker_that_forgets_where_it_stood_is_found_out() -> None:
    """The checker fails when a look back is done twice."""
    log = Log([[Written(Sight(), NOON_MS, "o")]], [WatchRecord(0, "w", a_watch("w"))])
    life = Life(log, GENEROUS)
    life.read({0: 1})
    life.tell(1)
    life.commit()
    life.standings = {place: replace(one, watch_offset=0) for place, one in life.standings.items()}
    life.start(1)
    assert life.pairs()["w", "o"] == 2


TEXT = st.text(max_size=12)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
evidence = st.builds(
    Evidence,
    watch=st.builds(
        Watch,
        TEXT.filter(bool),
        st.one_of(st.none(), TEXT.filter(bool)),
        st.just("anywhere"),
        st.just(0),
        st.just(1),
        st.integers(-(2**40), 2**42),
        TEXT,
    ),
    kind=st.sampled_from(["seen", "entered", "inside", "left"]),
    distance_m=st.one_of(st.none(), st.floats(0, 1e6)),
    place=st.tuples(st.sampled_from(["a.cctv.detection", "b.cctv.plate"]), st.integers(0, 2**31 - 1)),
    offset=st.integers(0, 2**62),
    time=st.integers(0, 2**42),
    received=st.integers(0, 2**42),
    lat=st.one_of(st.none(), st.floats(-90, 90)),
    lon=st.floats(-180, 180),
    confidence=st.one_of(st.none(), FLOAT32),
    words=st.builds(
        RowTexts, TEXT, TEXT, TEXT, st.none(), st.one_of(st.none(), TEXT), st.one_of(st.none(), FLOAT32)
    ),
    certainty=st.sampled_from(["certain", "possible"]),
)


def columns_of(rows: list[Evidence]) -> EvidenceColumns:
    def floats(name: str) -> Any:
        return np.array([nothing if (x := getattr(one, name)) is None else x for one in rows], np.float64)

    def numbers(name: str) -> Any:
        return np.array([getattr(one, name) for one in rows], np.int64)

    nothing, places = np.nan, sorted({one.place for one in rows})
    return EvidenceColumns(
        [one.watch for one in rows],
        [one.kind for one in rows],
        floats("distance_m"),
        places,
        np.array([places.index(one.place) for one in rows], np.uint8),
        numbers("offset"),
        numbers("time"),
        numbers("received"),
        floats("lat"),
        floats("lon"),
        floats("confidence").astype(np.float32),
        Texts.of([one.words for one in rows]),
        np.array([one.certainty == "certain" for one in rows]),
    )


@CASES
@given(st.lists(evidence, min_size=1, max_size=4))
def test_evidence_written_straight_is_evidence_written_by_its_contract(rows: list[Evidence]) -> None:
    plain = []
    for one in rows:
        event = evidence_event("testville", one)
        payload = RowCodec(load_catalogue()["core.evidence"].newest).encode(event.value or {})
        headers = headers_of(event, topic="testville.core.evidence")
        plain.append((event.key.encode(), frame(77, payload), headers))
    columns = columns_of(rows)
    assert list(EvidenceFrames("testville", frame(77, b"")).made(columns)) == plain
    assert list(columns.each()) == rows
    chosen = np.arange(len(rows))[::2]
    assert list(columns.take(chosen).each()) == rows[::2]


def test_a_way_of_writing_that_differs_is_noticed() -> None:
    quick, other = EvidenceFrames("testville", b"a").made, EvidenceFrames("testvilla", b"a").made
    assert agree(quick, quick)
    assert not agree(quick, other)
