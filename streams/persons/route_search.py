"""The search of one case: sightings and a person's answers in, the next candidate and the route out.

Each sighting is the person, somebody in the same clothes, or anybody else. The three are weighed by looks, by place and
time between the confirmed hops, and by the answers; hops and rejections change the weights of the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from schemas.errors import Invalid
from streams.persons.anchors import Anchor, Passing
from streams.persons.answers import Answers, Verdict
from streams.persons.feasible import Floats, Ints
from streams.persons.looks import Looks
from streams.persons.routes import Candidate, Route, UsedEvidence
from streams.persons.sightings_held import Ground, Pool, Seen
from streams.persons.travel import Calls


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
        self._answers: dict[int, Answers] = {}
        self._hops: list[tuple[Anchor, tuple[Anchor, Anchor] | None]] = []
        self._reaches: dict[Anchor, Passing] = {}
        self._logs: tuple[Floats, Floats, Floats] | None = None
        self._is_sure = False

    def see(self, more: Seen, calls: Calls | None = None) -> None:
        """Take up sightings, and the calls at stops that are known by now."""
        self.pool.add(more)
        if calls is not None and len(calls.run) != len(self.calls.run):
            self.calls = calls
            for reach in self._reaches.values():
                reach.take(calls)
        self._logs = None

    def answer(self, key: int, verdict: Verdict) -> None:
        """Take a person's answer. ``Invalid`` where the case holds no such sighting."""
        row, self._is_sure = self._row(key), False
        self._answers[key] = self._answers.get(key, Answers()).then(verdict)
        is_hop = any(hop.key == key for hop, _ in self._hops)
        probability = float(self._probabilities()[row]) if not is_hop else self._hop_probability(key)
        if is_hop and (verdict == "part" or probability < self.numbers.keep):
            self._hops = [(hop, ride) for hop, ride in self._hops if hop.key != key]
            self._hops = [(hop, self._ride_to(hop)) for hop, _ in self._hops]
            self._logs = None
        elif not is_hop and self._answers[key].confirmed and probability >= self.numbers.accept:
            self._enter(row)

    def ask(self) -> Candidate | None:
        """The candidate that a person should see next; None while nothing is worth an answer."""
        probabilities = self._probabilities()
        rows = self._shown(probabilities)
        if not len(rows):
            doubted = None if self._is_sure else self._doubted()
            self._is_sure = doubted is None
            return doubted
        worth = self._information(probabilities[rows])
        last = self._hops[-1][0].time_s if self._hops else self.start.time_s
        worth *= np.where(self.pool.seen.time_s[rows] > last, self.numbers.ahead_weight, 1.0)
        return self._candidate(int(rows[int(np.argmax(worth))]), probabilities)

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
        last = self._hops[-1][0] if self._hops else self.start
        cameras = np.arange(len(self.ground.cameras.lat))
        spots = self.ground.spots(cameras, np.full(len(cameras), last.mode))
        least = self.ground.links.least_s(last.spots(), spots)
        order = np.argsort(least, kind="stable")
        return tuple(int(one) for one in order[least[order] <= self.numbers.next_s])

    def _enter(self, row: int) -> None:
        seen, cameras = self.pool.seen, self.ground.cameras
        camera = int(seen.camera[row])
        hop = Anchor(
            float(cameras.lat[camera]),
            float(cameras.lon[camera]),
            float(seen.time_s[row]),
            float(cameras.clock_s[camera]),
            float(cameras.within_m[camera]),
            int(seen.key[row]),
            camera,
            int(seen.mode[row]),
        )
        self._hops.append((hop, None))
        self._hops.sort(key=lambda one: one[0].time_s)
        self._hops = [(one, self._ride_to(one)) for one, _ in self._hops]
        self._logs = None

    def _ride_to(self, hop: Anchor) -> tuple[Anchor, Anchor] | None:
        """The ride that led to *hop* from the one before it, where one is likelier than a walk."""
        before = [one for one, _ in self._hops if one.time_s < hop.time_s]
        reach = self._reach(before[-1] if before else self.start)
        return None if hop.camera is None else reach.ride_to(hop.camera, hop.time_s)

    def _reach(self, anchor: Anchor) -> Passing:
        if anchor not in self._reaches:
            self._reaches[anchor] = Passing(self.ground, anchor, self.calls)
        return self._reaches[anchor]

    def _probabilities(self) -> Floats:
        """The probability of each sighting to be the person; 0 for those that cannot be, hops and parted ones."""
        person, alike, other = self._weights()
        shift = np.zeros((3, len(person)))
        index = self._index()
        for key, answers in self._answers.items():
            if key in index:
                shift[:, index[key]] = answers.logs(self.numbers)
        person = person + shift[0]
        for key in self._out():
            if key in index:
                person[index[key]] = -np.inf
        rest = np.logaddexp(alike + shift[1], other + shift[2])
        found: Floats = np.exp(person - np.logaddexp(person, rest))
        return found

    def _out(self) -> set[int]:
        """Keys of hops, and of sightings that were parted or shown too often."""
        hops = {hop.key for hop, _ in self._hops if hop.key is not None}
        tired = {
            key for key, one in self._answers.items() if one.is_parted or one.looks >= self.numbers.looks_max
        }
        return hops | tired

    def _weights(self) -> tuple[Floats, Floats, Floats]:
        """Log rates of the three kinds of people, for each sighting."""
        if self._logs is None:
            pool, share = self.pool, self.numbers.alike_share
            looks = pool.log_looks if self.evidence.looks else np.zeros_like(pool.log_looks)
            passers = pool.log_passers(pool.seen.camera)
            place = self._place(passers)
            self._logs = (
                place + looks,
                passers + looks + np.log(share),
                passers + np.log(1 - share),
            )
        return self._logs

    def _place(self, passers: Floats) -> Floats:
        """Log of the person's passes a second at each sighting, between the hops before and after it."""
        seen = self.pool.seen
        found = np.full(len(seen.key), -np.inf)
        chain, kinds = self._chain()
        for at, before in enumerate(chain):
            after = chain[at + 1] if at + 1 < len(chain) else None
            until = before.time_s + self.numbers.window_s if after is None else after.time_s
            slack = before.clock_s + float(self.ground.cameras.clock_s.max(initial=0.0))
            rows = np.flatnonzero((seen.time_s > before.time_s - slack) & (seen.time_s <= until + slack))
            if kinds[at] == "ridden":
                continue
            here = seen.rows(rows)
            can = self._reach(before).can_be(here, after=True)
            if after is not None:
                can &= self._reach(after).can_be(here, after=False)
            rows, here = rows[can], here.rows(can)
            if len(rows):
                rates = self._between(before, after, here) if self.evidence.place else passers[rows]
                found[rows] = np.maximum(found[rows], rates)
        return found

    def _between(self, before: Anchor, after: Anchor | None, here: Seen) -> Floats:
        reach = self._reach(before)
        rates = reach.log_rate(here.camera, here.time_s, rides=after is None)
        if after is None or after.camera is None:
            return rates
        there = self._reach(after)
        later = there.log_walk(here.camera, after.time_s - here.time_s)
        whole = reach.log_walk(np.array([after.camera]), np.array([after.time_s - before.time_s]))
        return rates + later - float(whole[0])

    def _chain(self) -> tuple[list[Anchor], list[str]]:
        """The anchors in order; a link that was ridden has no sightings."""
        chain, kinds = [self.start], []
        for hop, ride in self._hops:
            if ride is not None:
                board, leave = ride
                chain += [board, leave]
                kinds += ["walked", "ridden"]
            kinds.append("walked")
            chain.append(hop)
        return chain, [*kinds, "walked"]

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

    def _information(self, probability: Floats) -> Floats:
        """Bits that one answer is expected to tell."""
        wrong = self.numbers.wrong_share
        yes = probability * (1 - wrong) + (1 - probability) * wrong
        found: Floats = _entropy(yes) - _entropy(np.array(wrong))
        return found

    def _doubted(self) -> Candidate | None:
        """A hop that was shown too seldom for how doubtful it is."""
        hops = [one for one in self.route().hops if one.probability < self.numbers.accept]
        fresh = [one for one in hops if self._answers[one.key].looks < self.numbers.looks_max]
        return min(fresh, key=lambda one: (one.probability, one.key), default=None)

    def _hop_probability(self, key: int | None) -> float:
        """The probability of a hop, by the others alone."""
        kept = self._hops
        row = self._row(key)
        self._hops = [(hop, ride) for hop, ride in kept if hop.key != key]
        logs, self._logs = self._logs, None
        found = float(self._probabilities()[row])
        self._hops, self._logs = kept, logs
        return found

    def _candidate(self, row: int, probabilities: Floats) -> Candidate:
        seen = self.pool.seen
        return Candidate(
            int(seen.key[row]), int(seen.camera[row]), float(seen.time_s[row]), float(probabilities[row])
        )

    def _index(self) -> Mapping[int, int]:
        keys = self.pool.seen.key
        return {
            key: int(np.flatnonzero(keys == key)[0]) for key in {*self._answers, *self._out()} if key in keys
        }

    def _row(self, key: int | None) -> int:
        found = np.flatnonzero(self.pool.seen.key == key)
        if key is None or not len(found):
            raise Invalid("the case has no such sighting", field="key", expected="a candidate of this case")
        return int(found[0])

    @property
    def hops(self) -> tuple[int, ...]:
        """Keys of the confirmed sightings, in the order of time."""
        return tuple(hop.key for hop, _ in self._hops if hop.key is not None)

    def last_seen(self) -> float | None:
        """Seconds of the last confirmed hop; None while there is none."""
        times = [hop.time_s for hop, _ in self._hops]
        return times[-1] if times else None


def _entropy(p: Floats) -> Floats:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    found: Floats = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return found
