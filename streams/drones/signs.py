"""The places of one drone as one receiver hears them, and what in them cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.drones.numbers import DroneNumbers
from streams.drones.sights import Hearing, Sight, metres, seconds

Track = tuple[Sight, ...]
Tracks = tuple[tuple[Hearing, Track], ...]
"""The last heard track last."""

TRACK_S = 12.0
TRACK_MAX = 60
TRACKS_MAX = 6
ACROSS_S = 60.0
"""Two receivers are compared within this time."""
STEADY = 0.8
"""Both halves of a way must be so fast, as a share of the bound: one jump is no speed."""


def heard(tracks: Tracks, sight: Sight) -> Tracks:
    """Return *tracks* with *sight*."""
    own = next((track for hearing, track in tracks if hearing == sight.hearing), ())
    kept = [one for one in own if seconds(one, sight) <= TRACK_S] or list(own[-1:])
    others = [one for one in tracks if one[0] != sight.hearing][-(TRACKS_MAX - 1) :]
    return (*others, (sight.hearing, (*kept[-(TRACK_MAX - 1) :], sight)))


def signs_of(tracks: Tracks, sight: Sight, numbers: DroneNumbers) -> Iterator[str]:
    """Yield what is wrong with *sight*, which is the last of its track in *tracks*."""
    if (sight.speed_mps or 0) - sight.speed_error_mps > numbers.speed_max_mps:
        yield "speed"
    if sight.highest_m is not None and sight.highest_m >= numbers.too_high_m:
        yield "too_high"
    if sight.is_serial_bad:
        yield "bad_serial"
    if sight.place is None:
        return
    track = [one for one in tracks[-1][1] if one.place is not None]
    if sight.pilot is not None:
        away_m = metres(sight.place, sight.pilot) - sight.error_m - min(sight.pilot_error_m, 1_000)
        if away_m > numbers.operator_far_m:
            yield "operator_far"
    if len(track) > 1:
        if _has_jumped(track[-2], sight, numbers):
            yield "jump"
        if _is_derived_fast(track, numbers):
            yield "speed"
        if _is_frozen(track, numbers):
            yield "frozen"
        if _is_followed(track, numbers):
            yield "operator_follows"
    if any(_is_elsewhere(track[-1], sight, numbers) for _, track in tracks[:-1]):
        yield "two_places"


def _has_jumped(before: Sight, now: Sight, numbers: DroneNumbers) -> bool:
    waited_s = seconds(before, now)
    fastest = numbers.speed_max_mps
    if waited_s <= numbers.gap_said_s and before.speed_mps is not None and now.speed_mps is not None:
        said = max(before.speed_mps + before.speed_error_mps, now.speed_mps + now.speed_error_mps)
        fastest = min(fastest, said + numbers.speed_spare_mps) if said <= fastest else said
    return _way_m(before, now) > fastest * (waited_s + _slack_s(before, now, numbers))


def _is_derived_fast(track: Sequence[Sight], numbers: DroneNumbers) -> bool:
    """Whether it was too fast since any of its places of ``speed_over_s`` ago or more."""
    return any(
        _was_fast(track, one, numbers)
        for one in track[:-1]
        if seconds(one, track[-1]) >= numbers.speed_over_s
    )


def _was_fast(track: Sequence[Sight], first: Sight, numbers: DroneNumbers) -> bool:
    now = track[-1]
    allowed_s = seconds(first, now) + _slack_s(first, now, numbers)
    if _way_m(first, now) <= numbers.speed_max_mps * allowed_s:
        return False
    middle = min(track, key=lambda one: abs(one.event_ms - (first.event_ms + now.event_ms) / 2))
    least = STEADY * numbers.speed_max_mps
    return all(_apart_m(a, b) > least * seconds(a, b) > 0 for a, b in ((first, middle), (middle, now)))


def _is_frozen(track: Sequence[Sight], numbers: DroneNumbers) -> bool:
    """Whether the newest places are one for long enough, while the drone flies and says that it moves."""
    now, times = track[-1], set[int]()
    later = now
    for one in reversed(track):
        is_moving = one.flies and (one.speed_mps or 0) >= numbers.frozen_mps
        if not is_moving or one.place != now.place or seconds(one, later) > numbers.frozen_gap_s:
            break
        times.add(one.event_ms)
        later = one
    return len(times) >= 3 and max(times) - min(times) >= numbers.frozen_s * 1000


def _is_followed(track: Sequence[Sight], numbers: DroneNumbers) -> bool:
    """Whether the live place of the pilot moves as the drone does, faster than a pilot walks."""
    near = (
        (numbers.follows_exact_m, numbers.follows_exact_s),
        (numbers.follows_near_m, numbers.follows_near_s),
    )
    return any(_moves_alike(track, within_m, for_s, numbers) for within_m, for_s in near)


def _moves_alike(track: Sequence[Sight], within_m: float, for_s: float, numbers: DroneNumbers) -> bool:
    now = track[-1]
    first = next((i for i in range(len(track) - 1, -1, -1) if seconds(track[i], now) >= for_s), None)
    if first is None:
        return False
    run = track[first:]
    pilots = [one.pilot for one in run if one.is_pilot_live and one.pilot is not None]
    if len(run) < 3 or len(pilots) < len(run):
        return False
    if metres(pilots[0], pilots[-1]) < numbers.follows_mps * seconds(run[0], now):
        return False
    places = [one.place for one in run if one.place is not None]
    return all(
        metres(_moved(place, places[0], pilots[0]), pilot) <= within_m
        for place, pilot in zip(places, pilots, strict=True)
    )


def _moved(
    place: tuple[float, float], start: tuple[float, float], of: tuple[float, float]
) -> tuple[float, float]:
    """Return *of*, moved as *place* has moved from *start*."""
    return of[0] + place[0] - start[0], of[1] + place[1] - start[1]


def _is_elsewhere(other: Sight, now: Sight, numbers: DroneNumbers) -> bool:
    """Whether no drone can be at both places, though the clocks of their receivers differ."""
    apart_s = seconds(other, now)
    if other.place is None or apart_s > ACROSS_S:
        return False
    return _way_m(other, now) > numbers.speed_max_mps * (apart_s + 2 * numbers.clock_off_s)


def _apart_m(one: Sight, other: Sight) -> float:
    return 0.0 if one.place is None or other.place is None else metres(one.place, other.place)


def _way_m(one: Sight, other: Sight) -> float:
    """Return the metres that lie between them at least, as accurate as they are."""
    return _apart_m(one, other) - one.error_m - other.error_m


def _slack_s(one: Sight, other: Sight, numbers: DroneNumbers) -> float:
    return numbers.time_slack_s + one.time_error_s + other.time_error_s
