"""Random histories of a small, crowded city, and the invariants of the rules' answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.event import Event
from streams.situations.answers.events import situation_event
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.operators.actions import ACTIONS
from streams.situations.state.rows import body_of
from tests.unit.situations.a_city import City, a_camera, a_tick, an_incident, at, members, place
from tests.unit.situations.test_unconfirmed import a_claim

KINDS = ("crash.vehicle", "crash", "medical", "fire.building", "crime.larceny")
SPOTS = st.tuples(st.integers(0, 6), st.integers(0, 1)).map(lambda spot: place(spot[0] * 130, spot[1] * 90))
CLOCK = st.integers(0, 50).map(lambda minute: f"12:{minute:02d}")
STATUSES = ("open", "dispatched", "arrived", "closed")
DONE = (*ACTIONS, *["file"] * 4, "join", "separate", "reopen")
"""The operators' actions; those that move reports and filings are drawn more often."""
OF_ITS_TIME = frozenset({"event_id", "event_time", "received_time", "rule_version"})
Case = tuple[str, list[Entry]]


@st.composite
def cases(draw: st.DrawFn, count: int = 9) -> list[Entry]:
    """The revisions of up to *count* cases: places, kinds and times get corrected, cases close and return."""
    entries = []
    for number in range(draw(st.integers(1, count))):
        who = draw(st.sampled_from("FP"))
        happened, where, kind = draw(CLOCK), draw(SPOTS), draw(st.sampled_from(KINDS))
        for revision in range(1, draw(st.integers(1, 4)) + 1):
            if draw(st.integers(0, 5)) == 0:
                where, kind = draw(SPOTS), draw(st.sampled_from(KINDS))
            entries.append(
                an_incident(
                    f"{who}{number}",
                    kind=kind,
                    status=draw(st.sampled_from(STATUSES)),
                    happened=happened,
                    heard="13:00",
                    where=where,
                    unplaced=draw(st.integers(0, 11)) == 0,
                    revision=revision,
                )
            )
    return entries


@st.composite
def some_cameras(draw: st.DrawFn) -> list[Entry]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        status = draw(st.sampled_from(["ok", "ok", "ok", "faulty"]))
        purposes = draw(st.sets(st.sampled_from(["crime-prevention", "fire-safety", "traffic"]), min_size=1))
        found.append(a_camera(f"c{number}", where=draw(SPOTS), status=status, purposes=sorted(purposes)))
    return found


@st.composite
def some_actions(draw: st.DrawFn) -> list[Entry]:
    """Operators' actions, on situations that are chosen when the action is done."""
    return [
        Entry(
            "action",
            "demo.core.action",
            0,
            0,
            {
                "pick": draw(st.integers(0, 50)),
                "pick_other": draw(st.integers(0, 50)),
                "action": draw(st.sampled_from(DONE)),
                "action_id": f"a{number}",
                "account_id": f"acc-{draw(st.integers(1, 2))}",
                "role": "supervisor",
                "reason": "because",
                "ground": "danger-to-life",
                "to_domain": draw(st.sampled_from(("fire", "police"))),
            },
        )
        for number in range(draw(st.integers(3, 10)))
    ]


@st.composite
def some_claims(draw: st.DrawFn) -> list[Entry]:
    """Claims of cameras in the whole city."""
    return [
        a_claim(f"c{number}", where=draw(SPOTS), label=draw(st.sampled_from(("smoke", "collision"))))
        for number in range(draw(st.integers(0, 5)))
    ]


class OperatedCity(City):
    """A city whose operators act on any situation there is, and whose agencies answer any filing. An action that is not
    possible is skipped."""

    def take(self, *entries: Entry) -> list[Event]:
        return [event for entry in entries for event in self._take(entry)]

    def _take(self, entry: Entry) -> list[Event]:
        if entry.kind == "incident":
            return super().take(self._answering(entry))
        if entry.kind != "action":
            return super().take(entry)
        known = sorted(self.state.situations)
        if not known:
            return []
        its_id, other = (known[entry.value[pick] % len(known)] for pick in ("pick", "pick_other"))
        reports = [one.incident_id for one in self.state.situations[its_id].view.incidents][1:]
        value = {**entry.value, "situation_id": its_id, "other_situation_id": other, "incident_ids": reports}
        try:
            return super().take(Entry("action", entry.topic, 0, entry.offset, value))
        except Invalid:
            return []

    def _answering(self, entry: Entry) -> Entry:
        pick = entry.value.get("pick")
        its = [one for one in self.state.situations.values() if not one.is_merged]
        every = [filing for one in its for filing in one.filings]
        open_ones = [one for one in every if one.is_open and f".{one.to_domain}." in entry.topic]
        filings = sorted(one.filing_id for one in open_ones or every)
        if pick is None or not filings:
            return entry
        value = {**entry.value, "filing_id": filings[pick % len(filings)]}
        return Entry(entry.kind, entry.topic, 0, entry.offset, value)


@st.composite
def a_life(draw: st.DrawFn, *others: RulesConfig) -> list[Entry]:
    """Entries in order of time: reports, some of which answer filings; cameras that come, move, die and claim; operators;
    rules (of *others*); ticks. Some entries come twice."""
    told = [*draw(cases()), *draw(some_cameras()), *draw(some_cameras()), *draw(some_actions())]
    told += draw(some_claims())
    told += [
        Entry("rules", "demo.rules", 0, 0, draw(st.sampled_from(others)).canonical()) for _ in others[1:]
    ]
    told += draw(st.lists(st.sampled_from(told), max_size=4))
    told = draw(st.permutations(told))
    entries, minute = [], 0
    for entry in told:
        minute += draw(st.integers(0, 12))
        if draw(st.integers(0, 4)) == 0:
            entries.append(a_tick(f"{12 + minute // 60}:{minute % 60:02d}"))
        received = {"received_time": at("12:00") + minute * 60_000}
        if entry.kind == "rules":
            entries.append(entry)
            continue
        if entry.kind == "incident" and draw(st.integers(0, 3)):
            received["pick"] = draw(st.integers(0, 50))
        entries.append(Entry(entry.kind, entry.topic, 0, len(entries), {**entry.value, **received}))
    return entries


def wrongs(city: City) -> list[str]:
    """All broken invariants; empty when all is well."""
    newest = city.newest()
    return [
        *_not_in_exactly_one(newest.values()),
        *_endless(newest),
        *_repeated(city),
        *_endless_grants(city),
        *_endless_filings(city),
        *_untold(city),
    ]


def _not_in_exactly_one(newest: Iterable[Mapping[str, Any]]) -> list[str]:
    homes = Counter(one for s in newest if s["merged_into"] is None for one in members(s))
    everybody = {one for s in newest for one in members(s)}
    return [f"{one} is in {homes[one]} live situations" for one in sorted(everybody) if homes[one] != 1]


def _endless(newest: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for start in newest:
        one, steps = start, 0
        while newest[one]["merged_into"] is not None and steps <= len(newest):
            one, steps = newest[one]["merged_into"], steps + 1
        if steps > len(newest):
            found.append(f"{start} is merged in a circle")
    return found


def _repeated(city: City) -> list[str]:
    names = {
        "core.situation": "situation_id",
        "core.alert": "alert_id",
        "core.grant": "grant_id",
        "core.filing": "filing_id",
    }
    found = []
    for topic, name in names.items():
        revisions: dict[str, list[int]] = {}
        for value in city.all(topic):
            revisions.setdefault(value[name], []).append(value["revision"])
        found += [f"{topic} {one}: {r}" for one, r in revisions.items() if r != list(range(1, len(r) + 1))]
    return found


def _endless_grants(city: City) -> list[str]:
    """Grants in force for ended situations, or without a reason, or ended late."""
    newest, found = city.newest(), []
    for grant in city.grants().values():
        situation = newest[grant["situation_id"]]
        if not (grant["purpose"] and grant["legal_ground"] and grant["expires_at"] > grant["opened_at"]):
            found.append(f"grant {grant['grant_id']} lacks purpose, ground or expiry")
        ended = grant["revoked_at"]
        if ended is None and (situation["status"] == "closed" or grant["expires_at"] <= city.state.now_ms):
            found.append(f"grant {grant['grant_id']} outlives its situation or itself")
        if ended is not None and ended > grant["expires_at"]:
            found.append(f"grant {grant['grant_id']} ended after its expiry")
    return found


def _endless_filings(city: City) -> list[str]:
    """Open filings of ended situations, or two of one domain; answered filings without an answer."""
    newest, found = city.newest(), []
    filings = {one["filing_id"]: one for one in city.all("core.filing")}
    waiting = Counter[tuple[str, str]]()
    for its_id, filing in filings.items():
        if filing["status"] == "filed":
            waiting[filing["situation_id"], filing["to_domain"]] += 1
            if newest[filing["situation_id"]]["status"] == "closed":
                found.append(f"filing {its_id} outlives its situation")
        if (filing["status"] == "accepted") != (filing["incident_id"] is not None):
            found.append(f"filing {its_id} is answered by nobody")
    return found + [
        f"{its_id} is filed twice with {domain}" for (its_id, domain), n in waiting.items() if n > 1
    ]


def _untold(city: City) -> list[str]:
    """Situations whose state differs from the published revision, or from their rows."""
    newest, found = city.newest(), []
    rows = {event.key: event.value for event in city.said if event.topic == "core.state"}
    for its_id, situation in city.state.situations.items():
        its = situation_event(situation, city.state.rules, now=0).value or {}
        others = [one for one in its if one not in OF_ITS_TIME and its[one] != newest[its_id].get(one)]
        found += [f"{one} of {its_id} is not as told" for one in others]
        row = rows[its_id]
        if row is None or row["body"] != body_of(situation):
            found.append(f"{its_id} is not as its row")
    return found


def picture(city: City) -> list[tuple[Any, ...]]:
    """The situations by members, status and cameras: the part that must not depend on the order of reports."""
    return sorted(
        (
            sorted(members(s)),
            s["status"],
            s["kind"],
            [(one["camera_id"], one["rank"], one["distance_m"]) for one in s["cameras"]],
        )
        for s in city.live()
    )
