"""The board of a hub says what its feeds say, and nothing stale is ever shown as live."""

from __future__ import annotations

from typing import Any

import pytest

from streams.hubs.boards import Board, Boards
from streams.hubs.hub_numbers import HubNumbers
from tests.hub_day import BEGIN_MS, SAME_AS, STOPS, Row, a_day, a_row, a_stop
from tests.hub_oracle import SLOW_TTL_S, TTL_S, Oracle, Ride

SETTINGS = {"stops": STOPS, "same_as": SAME_AS, "ttl_s": {"slow": SLOW_TTL_S}, "on_demand": ["drt"]}
TELL_MS, LEAST_MS = 30_000, 1_000
PARTS = ("vehicles", "docks", "chargers", "arrivals", "notices")


def boards(**settings: Any) -> Boards:
    return Boards(HubNumbers.model_validate({**SETTINGS, **settings}))


def tick(fold: Boards, at_ms: int) -> list[Board]:
    return fold.take("core.tick", "demo", a_row("core.tick", at_ms))


def bare(value: Any) -> Any:
    """*value* without the times at which things were said."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if name != "as_of"}
    return [bare(one) for one in value] if isinstance(value, list) else value


def without_revision(board: Board) -> Row:
    assert board.said is not None
    return {name: value for name, value in board.said.items() if name != "revision"}


class Reader:
    """Keeps the last board told of each hub, and holds it against what stands there."""

    def __init__(self) -> None:
        self.told: dict[str, Row] = {}
        self.told_ms: dict[str, int] = {}
        self.revisions: dict[str, int] = {}

    def hear(self, one: Board, wanted: dict[str, Row]) -> None:
        assert one.at_ms - self.told_ms.get(one.hub_id, -LEAST_MS) >= LEAST_MS
        assert one.revision == self.revisions.get(one.hub_id, 0) + 1
        if one.said is None:
            assert one.hub_id not in wanted
            for kept in (self.told, self.told_ms, self.revisions):
                kept.pop(one.hub_id)
            return
        said = without_revision(one)
        assert said == wanted[one.hub_id]
        assert said != self.told.get(one.hub_id)
        if bare(said) == bare(self.told.get(one.hub_id)):
            assert one.at_ms - self.told_ms[one.hub_id] >= TELL_MS
        self.told[one.hub_id] = said
        self.told_ms[one.hub_id], self.revisions[one.hub_id] = one.at_ms, one.revision

    def check(self, wanted: dict[str, Row], now_ms: int) -> None:
        """Assert that the boards told are those that stand, but for changes that may not be told yet."""
        for hub in wanted.keys() | self.told.keys():
            told, stands = self.told.get(hub), wanted.get(hub)
            age_ms = now_ms - self.told_ms.get(hub, -(10**15))
            if told != stands:
                is_same = told is not None and stands is not None and bare(told) == bare(stands)
                assert age_ms < (TELL_MS if is_same else LEAST_MS), hub

    def check_ages(self, now_ms: int) -> None:
        """Assert that no part that says it is live is older than the longest time that any feed of it may be."""
        longest_s = {"arrivals": TTL_S["mobility.trip"], "notices": TTL_S["alert"]}
        for hub, board in self.told.items():
            for name in PARTS:
                part = board[name]
                if part is not None and not part["is_stale"] and now_ms - self.told_ms[hub] >= TELL_MS:
                    has_rides = any(one["on_demand"] for one in part.get("next", ()))
                    at_most_s = Ride.LASTS_S if has_rides else longest_s.get(name, SLOW_TTL_S)
                    assert now_ms - part["as_of"] <= at_most_s * 1000, (hub, name)


def hold(seed: int, inputs: int) -> None:
    """Hold the boards against the fold written apart, after every input of the day of *seed*."""
    fold, oracle, reader, now_ms, told = boards(), Oracle(), Reader(), 0, 0
    stale: set[str] = set()
    for one in a_day(seed, inputs):
        topic, _, row = one
        now_ms = row["event_time"] if topic == "core.tick" and row is not None else now_ms
        oracle.take(one)
        wanted = oracle.boards(now_ms)
        for board in fold.take(*one):
            reader.hear(board, wanted)
            told += 1
            stale |= {
                name for name in PARTS if board.said and board.said[name] and board.said[name]["is_stale"]
            }
        reader.check(wanted, now_ms)
        reader.check_ages(now_ms)
    assert told > inputs / 4
    assert stale == set(PARTS)


def test_after_every_input_of_a_day_boards_are_those_of_a_fold_written_apart() -> None:
    hold(0, 800)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_after_every_input_of_ten_days_boards_are_those_of_a_fold_written_apart(seed: int) -> None:
    hold(seed, 3_000)


def test_a_part_is_stale_at_the_first_tick_after_its_time_and_not_before() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    trip = a_row(
        "mobility.trip",
        BEGIN_MS,
        trip_id="T",
        relationship="scheduled",
        delays=[a_stop("S-1", BEGIN_MS + 600_000)],
    )
    (told,) = fold.take("mobility.trip", "T", trip)
    assert told.said is not None and not told.said["arrivals"]["is_stale"]
    assert tick(fold, BEGIN_MS + 90_000) == []
    (told,) = tick(fold, BEGIN_MS + 90_001)
    assert told.said is not None and told.said["arrivals"]["is_stale"]
    assert (told.said["revision"], told.said["arrivals"]["as_of"]) == (2, BEGIN_MS)


def test_a_hub_is_told_once_a_second_with_the_newest_of_it() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    counts = [
        a_row("mobility.hub", BEGIN_MS, hub_id="H", available=[{"vehicle_type": "car", "count": count}])
        for count in (1, 2, 3)
    ]
    assert [len(fold.take("mobility.hub", "H", one)) for one in counts] == [1, 0, 0]
    assert tick(fold, BEGIN_MS + 999) == []
    (told,) = tick(fold, BEGIN_MS + 1000)
    assert told.said is not None
    assert [one["available"] for one in told.said["vehicles"]["types"]] == [3]


def test_a_board_of_which_only_the_times_are_newer_waits_half_a_minute() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    docks = {"free": 3, "total": 9}
    first = a_row("mobility.hub", BEGIN_MS, hub_id="H", docks=docks)
    again = a_row("mobility.hub", BEGIN_MS + 5_000, hub_id="H", docks=docks)
    assert len(fold.take("mobility.hub", "H", first)) == 1
    assert tick(fold, BEGIN_MS + 5_000) == []
    assert fold.take("mobility.hub", "H", again) == []
    assert tick(fold, BEGIN_MS + TELL_MS - 1) == []
    (told,) = tick(fold, BEGIN_MS + TELL_MS)
    assert told.said is not None and told.said["docks"]["as_of"] == BEGIN_MS + 5_000


def test_nothing_is_told_before_the_city_says_what_time_it_is() -> None:
    fold = boards()
    assert fold.take("mobility.hub", "H", a_row("mobility.hub", BEGIN_MS, hub_id="H")) == []
    assert [one.hub_id for one in tick(fold, BEGIN_MS)] == ["H"]


def test_hubs_and_vehicles_are_bounded_and_what_is_left_out_is_counted() -> None:
    fold = boards(hubs_max=3, pieces_max=5)
    tick(fold, BEGIN_MS)
    for number in range(20):
        row = a_row(
            "mobility.position",
            BEGIN_MS,
            vehicle_id=f"v{number}",
            vehicle_type="car",
            hub_id=f"X{number % 4}",
        )
        fold.take("mobility.position", row["vehicle_id"], row)
    assert len(fold.hubs) <= 3
    assert sum(len(hub.vehicles) for hub in fold.hubs.values()) <= 5
    assert len(fold.heard["mobility.position"]) == 5
    assert fold.dropped == 15
    assert fold.refused == 5


SPOT = {"lat": 33.4, "lon": 126.4, "accuracy_m": None}
FAR = {"lat": 33.4011, "lon": 126.4, "accuracy_m": None}
"""122 m away."""


def a_ride(revision: int, state: str, at_ms: int = BEGIN_MS, **said: Any) -> Row:
    usual = {"booking_id": "B", "operator": "drt", "passengers": 2, "vehicle_id": "van", "source": "drt"}
    return a_row("mobility.booking", at_ms, revision=revision, state=state, **usual | said)


def ahead_of(fold: Boards, hub_id: str) -> list[tuple[int, bool]]:
    told = fold.hubs[hub_id].told
    arrivals = None if told is None else told["arrivals"]
    return [] if arrivals is None else [(one["arrives_at"], one["on_demand"]) for one in arrivals["next"]]


def test_an_assigned_ride_is_expected_where_it_picks_up_and_drops_until_it_has() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    for hub, place in (("H", SPOT), ("G", FAR)):
        fold.take("place.hub", hub, a_row("place.hub", BEGIN_MS, hub_id=hub, position=place))
    times = {"pickup_at": BEGIN_MS + 600_000, "dropoff_at": BEGIN_MS + 900_000}
    where = {"pickup": SPOT, "dropoff": FAR, **times}
    at_ms = BEGIN_MS
    for revision, (state, at_h, at_g) in enumerate(
        (
            ("requested", [], []),
            ("assigned", [times["pickup_at"]], [times["dropoff_at"]]),
            ("picked_up", [], [times["dropoff_at"]]),
            ("dropped", [], []),
        )
    ):
        at_ms += 2_000
        tick(fold, at_ms)
        fold.take("mobility.booking", "B", a_ride(revision + 1, state, at_ms, **where))
        assert ahead_of(fold, "H") == [(one, True) for one in at_h], state
        assert ahead_of(fold, "G") == [(one, True) for one in at_g], state
    assert fold.heard["mobility.booking"] == {}


def test_beside_a_feed_s_trips_the_age_of_arrivals_is_that_of_the_trips() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    fold.take("place.hub", "H-1", a_row("place.hub", BEGIN_MS, hub_id="H-1", position=SPOT))
    ahead_ms, later_ms = BEGIN_MS + 3_600_000, BEGIN_MS + 1_000_000
    where = {"pickup": SPOT, "dropoff": FAR, "pickup_at": ahead_ms, "dropoff_at": ahead_ms}
    fold.take("mobility.booking", "B", a_ride(1, "assigned", BEGIN_MS, **where))
    tick(fold, later_ms)

    def as_of() -> int:
        return int(fold.hubs["H-1"].board("H-1", later_ms, fold.numbers)["arrivals"]["as_of"])

    assert as_of() == BEGIN_MS
    trip = a_row(
        "mobility.trip", later_ms, trip_id="T", delays=[a_stop("S-1", ahead_ms)], relationship="scheduled"
    )
    fold.take("mobility.trip", "T", trip)
    assert as_of() == later_ms


def test_a_board_tells_no_booking_number() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    fold.take("place.hub", "H", a_row("place.hub", BEGIN_MS, hub_id="H", position=SPOT))
    tick(fold, BEGIN_MS + 1_000)
    ride = a_ride(1, "assigned", booking_id="B-4711", pickup=SPOT, pickup_at=BEGIN_MS + 60_000)
    (told,) = fold.take("mobility.booking", "B-4711", ride)
    assert told.said is not None and told.said["arrivals"] is not None
    assert "4711" not in str(told.said) and "van" not in str(told.said)


def test_a_ride_follows_a_hub_that_is_moved() -> None:
    fold = boards()
    tick(fold, BEGIN_MS)
    place = a_row("place.hub", BEGIN_MS, hub_id="H", position=FAR)
    fold.take("place.hub", "H", place)
    ride = a_ride(1, "assigned", pickup=SPOT, pickup_at=BEGIN_MS + 60_000)
    fold.take("mobility.booking", "B", ride)
    tick(fold, BEGIN_MS + 1_000)
    assert ahead_of(fold, "H") == []
    fold.take("place.hub", "H", place | {"position": SPOT})
    assert ahead_of(fold, "H") == [(BEGIN_MS + 60_000, True)]


def test_an_alert_of_which_there_are_too_many_leaves_its_board() -> None:
    fold = boards(pieces_max=1)
    tick(fold, BEGIN_MS)
    for name in ("A", "B"):
        said = {"trip_id": name, "alert_id": name, "relationship": "alert", "affected": [{"stop_id": "S-1"}]}
        fold.take("mobility.trip", name, a_row("mobility.trip", BEGIN_MS, **said, active=[], delays=[]))
    assert [key[1] for key in fold.hubs["H-1"].notices] == ["B"]
