"""A city's state: its reports, situations and cameras, its clock and what is due. Rebuilt exactly from its rows."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from schemas.errors import Fatal
from schemas.event import Event, derived_id
from streams.geo import PointGrid
from streams.situations.cameras import CameraIndex
from streams.situations.config import RulesConfig
from streams.situations.model import CLOSED, Camera, Member, Situation, situation_from

CLOCK = "clock"
DAY_MS = 86_400_000


@dataclass(slots=True)
class CityState:
    """Owned by whoever folds; given up when a transaction fails."""

    config: RulesConfig | None = None
    rules_digest: str = ""
    now_ms: int = 0
    sequence: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)
    situations: dict[str, Situation] = field(default_factory=dict)
    open_ids: dict[str, None] = field(default_factory=dict)
    grid: PointGrid = field(default_factory=PointGrid)
    cameras: CameraIndex = field(default_factory=CameraIndex)
    due: list[tuple[int, str]] = field(default_factory=list)
    due_at: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> CityState:
        """Before the first entry; a journal's first entry gives the rules their numbers."""
        return cls()

    @classmethod
    def from_records(cls, config: RulesConfig, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> CityState:
        """The state whose rows these are: (key, value) of ``core.state``, in any order."""
        state = cls(config=config)
        for key, row in sorted(rows, key=lambda one: one[0]):
            body = orjson.loads(row["body"])
            match row["kind"]:
                case "situation":
                    state.keep(situation_from(body))
                case "camera":
                    state.cameras.put(Camera(**{**body, "purposes": tuple(body["purposes"])}))
                case "clock":
                    state.now_ms, state.sequence = body["now_ms"], body["sequence"]
                    state.rules_digest = body["rules_digest"]
                case other:
                    raise Fatal(f"state row {key} is of unknown kind {other}", hint="run the version that wrote it")
        return state

    @property
    def rules(self) -> RulesConfig:
        if self.config is None:
            raise Fatal("the rules have no numbers yet", hint="a journal begins with an entry 'rules'")
        return self.config

    def keep(self, situation: Situation) -> None:
        """Put *situation* in place of what was known of it, and note when it has to be looked at again."""
        self.situations[situation.situation_id] = situation
        if situation.is_live:
            for member in situation.members:
                self.members[member.incident_id] = member
                self.home[member.incident_id] = situation.situation_id
                self.grid.put(member.incident_id, member.place)
        if situation.is_live and situation.status != CLOSED:
            self.open_ids[situation.situation_id] = None
        else:
            self.open_ids.pop(situation.situation_id, None)
        self._wake_at(situation.situation_id, wake_at(situation, self.rules))

    def forget(self, situation: Situation) -> None:
        """It ended long ago: what comes later is new."""
        del self.situations[situation.situation_id]
        self.open_ids.pop(situation.situation_id, None)
        for member in situation.members:
            if self.home.get(member.incident_id) == situation.situation_id:
                del self.home[member.incident_id], self.members[member.incident_id]
                self.grid.put(member.incident_id, None)

    def due_before(self, now_ms: int) -> Iterator[tuple[int, str]]:
        """What is due by *now_ms*, earliest first; more may become due while this is read."""
        while self.due and self.due[0][0] <= now_ms:
            when, one = heapq.heappop(self.due)
            if self.due_at.get(one) == when:  # else: put off or given up meanwhile
                del self.due_at[one]
                yield when, one

    def _wake_at(self, one: str, when: int | None) -> None:
        if when is None:
            self.due_at.pop(one, None)
        elif self.due_at.get(one) != when:
            self.due_at[one] = when
            heapq.heappush(self.due, (when, one))

    def situation_row(self, situation: Situation) -> Event:
        return self._row(situation.situation_id, "situation", asdict(situation))

    def camera_row(self, camera: Camera) -> Event:
        return self._row(f"camera:{camera.camera_id}", "camera", asdict(camera))

    def clock_row(self) -> Event:
        body = {"now_ms": self.now_ms, "sequence": self.sequence, "rules_digest": self.rules_digest}
        return self._row(CLOCK, "clock", body)

    def _row(self, key: str, kind: str, body: Mapping[str, Any]) -> Event:
        value = event_fields(self, derived_id("state", key, self.sequence), None)
        return Event("core.state", key, value | {"kind": kind, "body": orjson.dumps(body, option=orjson.OPT_SORT_KEYS)})


def wake_at(situation: Situation, config: RulesConfig) -> int | None:
    """When this situation has to be looked at though nothing came: a grant runs out, silence, forgetting."""
    times = [grant.expires_at for grant in situation.grants if grant.ended is None]
    if situation.status == CLOSED:
        times.append((situation.closed_at or 0) + round(config.forget_after_days * DAY_MS))
    elif config.expire_after_min is not None:
        times.append(last_heard(situation) + round(config.expire_after_min * 60_000))
    return min(times, default=None)


def last_heard(situation: Situation) -> int:
    return max(member.received_time for member in situation.members)


def event_fields(state: CityState, event_id: str, position: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields that every event of the rules begins with: they happen when the rules' clock says."""
    return {
        "event_id": event_id,
        "city": state.rules.city,
        "source": "situations",
        "event_time": state.now_ms,
        "event_time_accuracy_s": None,
        "received_time": state.now_ms,
        "position": position,
    }
