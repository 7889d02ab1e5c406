"""The search of one case: sightings and a person's answers in, the next candidate and the route out.

Each sighting is the person, somebody in the same clothes, or anybody else. The three are weighed by looks, by place and
time between the confirmed hops, and by the answers; hops and rejections change the weights of the rest.
"""

from __future__ import annotations

import itertools

import numpy as np

from schemas.errors import Invalid
from streams.persons.anchors import Anchor, Passing, hop_of, links_between
from streams.persons.answers import Answers, Verdict, expected_hops
from streams.persons.feasible import Floats, Ints
from streams.persons.looks import Looks
from streams.persons.other_people import OtherPeople
from streams.persons.passing_tracks import PassingTracks, possible_rows, tracks
from streams.persons.routes import Candidate, Route, UsedEvidence
from streams.persons.sightings_held import Bools, Ground, Pool, Seen
from streams.persons.travel import Calls

TRACKS_MAX = 256
SLACK_S = 300.0
"""No two clocks differ by more; sightings so much older than those that come now change no tracks."""


class RouteSearch:
    """A fold: the same sightings and answers in the same order give the same route. Holds what ``Pool`` may hold."""

    def __init__(
        self,
        ground: Ground,
        looks: Looks,
        start: Anchor,
        *,
        calls: Calls | None = None,
        evidence: UsedEvidence | None = None,
    ) -> None:
        self.ground, self.numbers = ground, ground.numbers
        self.pool = Pool(ground, looks, Seen.none(looks.table.shape[0]))
        self.calls = calls or Calls.none()
        self.evidence = evidence or UsedEvidence()
        self.start = start
        self._others = OtherPeople(self.pool)
        self._answers: dict[int, Answers] = {}
        self._hops: list[tuple[Anchor, tuple[Anchor, Anchor] | None]] = []
        self._reaches: dict[Anchor, Passing] = {}
        self._logs: tuple[Floats, Floats, Floats, Floats] | None = None
        self._tracks: dict[tuple[Anchor, Anchor | None], PassingTracks] = {}
        self._is_sure = False
        self._since_hop = 0

    def see(self, more: Seen, calls: Calls | None = None) -> None:
        """Take up sightings, and the calls at stops that are known by now."""
        self.pool.add(more, self.can_ever(more))
        begun = float(more.time_s.min(initial=np.inf)) - SLACK_S
        self._tracks = {
            (one, other): kept
            for (one, other), kept in self._tracks.items()
            if other is not None and other.time_s < begun
        }
        self._logs = None
        if calls is not None:
            self.know(calls)

    def know(self, calls: Calls) -> None:
        """Take the calls at stops that are known by now in place of those before, which are among them."""
        if len(calls.run) != len(self.calls.run):
            self.calls = calls
            for reach in self._reaches.values():
                reach.take(calls)
            self._logs = None

    def can_ever(self, seen: Seen) -> Bools:
        """Whether the person can have come from the start to each sighting; wider than any two clocks may differ.

        No answer makes the others candidates, so a case over millions of sightings need not hold them.
        """
        return self._reach(self.start).can_be(seen, after=True, slack_s=SLACK_S)

    def answer(self, key: int, verdict: Verdict) -> None:
        """Take a person's answer. ``Invalid`` where the case holds no such sighting."""
        row, self._is_sure = self._row(key), False
        self._since_hop += 1
        self._answers[key] = self._answers.get(key, Answers()).then(verdict)
        is_hop = any(hop.key == key for hop, _ in self._hops)
        probability = float(self._probabilities(row)[row]) if not is_hop else self._hop_probability(key)
        if is_hop and (verdict == "part" or probability < self.numbers.keep):
            self._hops = [(hop, ride) for hop, ride in self._hops if hop.key != key]
            self._hops = [(hop, self._ride_to(hop)) for hop, _ in self._hops]
        elif not is_hop and self._answers[key].confirmed and probability >= self.numbers.accept:
            self._enter(row)

    def ask(self) -> Candidate | None:
        """The candidate that a person should see next; None while nothing is worth an answer."""
        return next((one for one, _ in self.asking(1)), None)

    def asking(self, most: int) -> list[tuple[Candidate, float]]:
        """At most so many candidates in the order in which a person should see them, with the worth of an answer.

        One that was answered before is among them where a second look is worth more than what else there is.
        """
        probabilities = self._probabilities()
        rows = self._shown(probabilities)
        if not len(rows):
            doubted = None if self._is_sure else self._doubted()
            self._is_sure = doubted is None
            only = doubted or self._overlooked(probabilities)
            return [] if only is None else [(only, 1.0)]
        worth = expected_hops(probabilities[rows], self.numbers)
        ahead_s = self.pool.seen.time_s[rows] - self._last().time_s
        worth *= np.where(ahead_s > 0, self.numbers.ahead_weight * (1 + ahead_s / self.numbers.ahead_s), 1.0)
        order = np.argsort(-worth, kind="stable")[:most]
        return [(self._candidate(int(rows[one]), probabilities), float(worth[one])) for one in order]

    def is_overlooked(self) -> bool:
        """Whether somebody must have recorded the person since the last hop, and ``patience`` answers brought no hop yet."""
        missed = self.ground.walks.unseen(np.array([self.pool.until_s - self._last().time_s]))[0]
        return self._since_hop < self.numbers.patience and bool(missed < self.numbers.missed_share)

    def _overlooked(self, probabilities: Floats) -> Candidate | None:
        """The likeliest candidate after the last hop, however unlikely; None where the cameras may have missed them."""
        if not self.is_overlooked():
            return None
        worth = np.where(self.pool.seen.time_s > self._last().time_s, probabilities, 0.0)
        worth[[self.pool.rows[key] for key, one in self._answers.items() if one.is_doubted]] = 0.0
        best = int(np.argmax(worth)) if len(worth) else 0
        return self._candidate(best, probabilities) if len(worth) and worth[best] > 0 else None

    def _last(self) -> Anchor:
        return self._hops[-1][0] if self._hops else self.start

    def ranked(self, *, ahead: bool = False) -> list[Candidate]:
        """Candidates that were not answered yet, the likeliest first; *ahead*: only those after the last hop."""
        probabilities = self._probabilities()
        rows = self._best(probabilities)
        rows = rows[[int(key) not in self._answers for key in self.pool.seen.key[rows]]]
        if ahead and self._hops:
            rows = rows[self.pool.seen.time_s[rows] > self._hops[-1][0].time_s]
        order = np.argsort(-probabilities[rows], kind="stable")
        return [self._candidate(int(row), probabilities) for row in rows[order]]

    def route(self) -> Route:
        hops = tuple(
            Candidate(hop.key, hop.camera, hop.time_s, self._hop_probability(hop.key))
            for hop, _ in self._hops
            if hop.key is not None and hop.camera is not None
        )
        gaps = tuple(
            (one.time_s, other.time_s)
            for one, other in itertools.pairwise(hops)
            if other.time_s - one.time_s > self.numbers.gap_s
        )
        return Route(hops, gaps, self._next_cameras(), tuple(ride for _, ride in self._hops if ride))

    def _next_cameras(self) -> tuple[int, ...]:
        """Cameras that can be reached within ``next_s`` from the last hop, the nearest first."""
        last = self._last()
        least = self.ground.least_to_cameras_s(last.spots(), last.mode)
        order = np.argsort(least, kind="stable")
        return tuple(int(one) for one in order[least[order] <= self.numbers.next_s])

    def _enter(self, row: int) -> None:
        self._since_hop = 0
        self._hops.append((hop_of(self.pool, row), None))
        self._hops.sort(key=lambda one: one[0].time_s)
        self._hops = [(one, self._ride_to(one)) for one, _ in self._hops]

    def _ride_to(self, hop: Anchor) -> tuple[Anchor, Anchor] | None:
        """The ride that led to *hop* from the one before it, where one is likelier than a walk."""
        before = [one for one, _ in self._hops if one.time_s < hop.time_s]
        reach = self._reach(before[-1] if before else self.start)
        return None if hop.camera is None else reach.ride_to(hop.camera, hop.time_s)

    def _reach(self, anchor: Anchor) -> Passing:
        if anchor not in self._reaches:
            self._reaches[anchor] = Passing(self.ground, anchor, self.calls)
        return self._reaches[anchor]

    def _probabilities(self, only: int | None = None) -> Floats:
        """The probability of each sighting to be the person; 0 for those that cannot be, hops and parted ones.

        *only*: the row that is asked for; the others may then be 0.
        """
        found, weights = np.zeros(len(self.pool.seen.key)), self._log_weights(self._out())
        for before, after in links_between(self.start, self._hops):
            rows, shares = self._between(before, after, weights, only)
            found[rows] = np.maximum(found[rows], shares)
        return found

    def _between(
        self, before: Anchor, after: Anchor | None, weights: Floats, only: int | None = None
    ) -> tuple[Ints, Floats]:
        """The sightings between two anchors, and the probability of each."""
        link = before, after
        if not self.evidence.place:
            rows = possible_rows(self.pool, *self._reaches_of(*link))
            odds = weights[rows] + self.pool.log_passers(self.pool.seen.camera[rows])
            return rows, np.exp(-np.logaddexp(0.0, -odds))
        if link not in self._tracks:
            if len(self._tracks) >= TRACKS_MAX:
                self._tracks.clear()
            self._tracks[link] = tracks(self.pool, *self._reaches_of(*link), weights)
        kept = self._tracks[link]
        if only is not None and only not in kept.rows:
            return kept.rows[:0], weights[:0]
        return kept.rows, kept.probabilities(weights[kept.rows])

    def _reaches_of(self, before: Anchor, after: Anchor | None) -> tuple[Passing, Passing | None]:
        return self._reach(before), None if after is None else self._reach(after)

    def _out(self) -> set[int]:
        """Keys of hops, and of sightings that were parted or shown too often."""
        hops = {hop.key for hop, _ in self._hops if hop.key is not None}
        tired = {
            key for key, one in self._answers.items() if one.is_parted or one.looks >= self.numbers.looks_max
        }
        return hops | tired

    def _log_weights(self, out: set[int]) -> Floats:
        """Log weight of each sighting for the person against all others, without place and time; of *out*, none."""
        pool, share = self.pool, self.numbers.alike_share
        if self._logs is None:
            looks, clothes = pool.log_looks, pool.log_clothes
            if not self.evidence.looks:
                looks = clothes = np.zeros_like(looks)
            passers = pool.log_passers(pool.seen.camera)
            rest = np.logaddexp(clothes + np.log(share), np.log(1 - share))
            self._logs = (looks - passers, clothes, passers, rest)
        person, clothes, passers, usual = self._logs
        known = self._known(passers)
        found = person - np.logaddexp(usual, known)
        for key, answers in self._answers.items():
            row, (his, alike, other) = pool.rows[key], answers.logs(self.numbers)
            rest = np.logaddexp(
                clothes[row] + np.log(share) + alike, np.logaddexp(np.log(1 - share), known[row]) + other
            )
            found[row] = person[row] + his - rest
        found[[pool.rows[key] for key in out]] = -np.inf
        return found

    def _known(self, passers: Floats) -> Floats:
        """Log of the rates of people known by a rejected sighting, against those of all *passers*."""
        if self.evidence != UsedEvidence():
            return np.full(len(passers), -np.inf)
        rows = [self.pool.rows[key] for key, one in self._answers.items() if one.rejected > one.confirmed]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self._others.rates(rows)) - passers)

    def _shown(self, probabilities: Floats) -> Ints:
        rows = self._best(probabilities)
        return rows[probabilities[rows] >= self.numbers.show]

    def _best(self, probabilities: Floats) -> Ints:
        """Rows of the likeliest candidates of each camera, in the order of the cameras."""
        rows = np.flatnonzero(probabilities > 0)
        camera = self.pool.seen.camera[rows]
        order = np.lexsort((self.pool.seen.key[rows], -probabilities[rows], camera))
        rows, camera = rows[order], camera[order]
        place = np.arange(len(rows)) - np.searchsorted(camera, camera)
        return rows[place < self.numbers.a_camera]

    def _doubted(self) -> Candidate | None:
        """A hop that was shown too seldom for how doubtful it is."""
        hops = [one for one in self.route().hops if one.probability < self.numbers.accept]
        fresh = [one for one in hops if self._answers[one.key].looks < self.numbers.looks_max]
        return min(fresh, key=lambda one: (one.probability, one.key), default=None)

    def _hop_probability(self, key: int | None) -> float:
        """The probability of a hop, by the others alone."""
        row, at = self._row(key), [hop.key for hop, _ in self._hops].index(key)
        before = self._hops[at - 1][0] if at else self.start
        ride, last = self._hops[at][1], at + 1 == len(self._hops)
        after = None if last else (self._hops[at + 1][1] or self._hops[at + 1])[0]
        begin = before if last or ride is None else ride[1]
        out = self._out() - ({key} if key is not None and not self._answers[key].is_parted else set())
        rows, shares = self._between(begin, after, self._log_weights(out))
        return float(shares[rows == row].sum())

    def _candidate(self, row: int, probabilities: Floats) -> Candidate:
        seen = self.pool.seen
        return Candidate(
            int(seen.key[row]), int(seen.camera[row]), float(seen.time_s[row]), float(probabilities[row])
        )

    def _row(self, key: int | None) -> int:
        if key is None or key not in self.pool.rows:
            raise Invalid("the case has no such sighting", field="key", expected="a candidate of this case")
        return self.pool.rows[key]

    @property
    def hops(self) -> tuple[int, ...]:
        """Keys of the confirmed sightings, in the order of time."""
        return tuple(hop.key for hop, _ in self._hops if hop.key is not None)

    def last_seen(self) -> float | None:
        """Seconds of the last confirmed hop; None while there is none."""
        return self._hops[-1][0].time_s if self._hops else None
