"""Tracks of one person between two anchors: how likely each sighting lies on theirs.

The person is at one place at a time, so sightings exclude or support each other. All tracks through the sightings are summed
up, forwards and backwards: each leads from camera to camera by the rate of the next recorded pass, and ends at the
anchor after it or at the present.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.persons.anchors import Anchor, Passing
from streams.persons.feasible import Floats, Ints
from streams.persons.sightings_held import Ground, Pool

LOG_MOST = 30.0
"""No single sighting speaks more strongly than this, so that products of a track stay finite."""


@dataclass(frozen=True, slots=True)
class PassingTracks:
    """Rates between the *rows* of a pool, in the order of time: from the anchor, to each other, to the end."""

    rows: Ints
    begin: Floats
    steps: Floats
    end: Floats
    none: float
    """The likelihood that nothing was recorded between the anchors."""

    def probabilities(self, log_weights: Floats) -> Floats:
        """The probability of each row to be the person; *log_weights*: how it speaks for them, against a passer-by."""
        weights = np.exp(np.clip(log_weights, -np.inf, LOG_MOST))
        ahead = self.begin.copy()
        for at, weight in enumerate(weights):
            ahead[at] *= weight
            if ahead[at] > 0:
                ahead[at + 1 :] += ahead[at] * self.steps[at, at + 1 :]
        behind = self.end.copy()
        for at in range(len(weights) - 1, -1, -1):
            behind[at] += self.steps[at, at + 1 :] @ (weights[at + 1 :] * behind[at + 1 :])
        whole = self.none + float(ahead @ self.end)
        found: Floats = ahead * behind / max(whole, 1e-300)
        return np.minimum(found, 1.0)


def steps_between(ground: Ground, camera: Ints, time_s: Floats) -> Floats:
    """Rates of the next recorded pass from each sighting to each later one; *time_s* ascends."""
    found = np.zeros((len(camera), len(camera)))
    cameras, at = np.unique(camera, return_inverse=True)
    ways, density = (np.stack(part) for part in zip(*map(ground.around, cameras), strict=True))
    one, other = np.triu_indices(len(camera), 1)
    dt = time_s[other] - time_s[one]
    way = ways[at[one], camera[other]]
    can = way <= (dt + ground.numbers.slack_s) * ground.numbers.foot_mps
    one, other, dt, way = one[can], other[can], dt[can], way[can]
    rates = ground.walks.log_rate(way, dt, density[at[one], camera[other]])
    found[one, other] = np.exp(rates) * ground.walks.unseen(dt)
    return found


def possible_rows(pool: Pool, before: Passing, after: Passing | None) -> Ints:
    """Rows of the sightings at which the person can have been between two anchors, or for ``window_s`` after one."""
    cameras, numbers, begin = pool.ground.cameras, pool.ground.numbers, before.anchor
    until = begin.time_s + numbers.window_s if after is None else after.anchor.time_s
    slack = begin.clock_s + float(cameras.clock_s.max(initial=0.0))
    times = pool.seen.time_s
    rows = np.flatnonzero((times > begin.time_s - slack) & (times <= until + slack))
    rows = rows[before.can_be(pool.seen.rows(rows), after=True)]
    if after is not None:
        rows = rows[after.can_be(pool.seen.rows(rows), after=False)]
    return rows


def tracks(pool: Pool, before: Passing, after: Passing | None, log_weights: Floats) -> PassingTracks:
    """The tracks between two anchors through the sightings that are likeliest by themselves."""
    ground, most = pool.ground, pool.ground.numbers.tracked_max
    rows = possible_rows(pool, before, after)
    rows = _largest(rows, log_weights[rows], 10 * most)
    begin = before.rate(pool.seen.camera[rows], pool.seen.time_s[rows], rides=after is None)
    chosen = _largest(np.arange(len(rows)), np.log(np.maximum(begin, 1e-300)) + log_weights[rows], most)
    chosen = chosen[np.argsort(pool.seen.time_s[rows[chosen]], kind="stable")]
    rows, begin = rows[chosen], begin[chosen]
    camera, time_s = pool.seen.camera[rows], pool.seen.time_s[rows]
    steps = steps_between(ground, camera, time_s) if len(rows) else np.zeros((0, 0))
    if after is not None and after.anchor.camera is not None:
        return PassingTracks(
            rows, begin, steps, _to(after, camera, time_s), float(_first(before, after.anchor))
        )
    now = pool.until_s if after is None else after.anchor.time_s
    left = ground.walks.unseen(now - np.append(time_s, before.anchor.time_s))
    return PassingTracks(rows, begin, steps, left[:-1], float(left[-1]))


def _to(after: Passing, camera: Ints, time_s: Floats) -> Floats:
    dt = after.anchor.time_s - time_s
    found: Floats = np.exp(after.log_walk(camera, dt)) * after.ground.walks.unseen(dt)
    return found


def _first(before: Passing, after: Anchor) -> float:
    camera = np.array([after.camera])
    return float(before.rate(camera, np.array([after.time_s]), rides=False)[0])


def _largest(rows: Ints, scores: Floats, most: int) -> Ints:
    return rows if len(rows) <= most else rows[np.sort(np.argpartition(-scores, most)[:most])]
