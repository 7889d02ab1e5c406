"""The form of a rule: pure functions from an entry, or the time, to the situations to publish.

A rule is one file or folder in ``rules/``. It reads the city and changes nothing: it answers with drafts (situations to
publish) and memories (data to keep beside them). The fold puts both in force.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.event import Event
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.law import Use
from streams.situations.memory import Memory
from streams.situations.model import CameraAt, Incident, Position, Situation
from streams.situations.reports.cameras import CameraIndex
from streams.situations.reports.joining import IncidentIndex
from streams.situations.reports.rates import Rates
from streams.situations.reports.sites import SiteIndex


@dataclass(frozen=True, slots=True)
class Heard:
    """A report's newest revision and the one *before*; the ids of the reports *near* enough, before or now, to be of the
    same happening, its own among them; the situation whose filing it *answers*; and the *warning* that it is, as
    ``civil.incident`` has it."""

    incident: Incident
    before: Incident | None
    near: frozenset[str]
    answers: str | None = None
    warning: Mapping[str, Any] | None = None


class Draft(Struct, frozen=True, gc=False):
    """A situation as a rule wants it published. *wanted* are the cameras for each agency and unit; ``None``: its grants
    stay. *uses* is the purpose and ground of each, where no report gives them. *is_urgent*: its alerts demand attention."""

    situation: Situation
    wanted: Mapping[str, tuple[CameraAt, ...]] | None
    is_new_revision: bool = True
    is_urgent: bool = False
    uses: Mapping[str, Use] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The answer of a rule: situations to tell, in order, what it remembers from now on, the names of memories that it
    forgets, and events of ``core.watch``: what it looks for, and of ``core.closure``: what is closed. What a watch finds
    comes to the rule by the memory that bears its ``watch_id``."""

    drafts: Sequence[Draft] = ()
    memories: Sequence[Memory] = ()
    forgets: Sequence[str] = ()
    watches: Sequence[Event] = ()
    closures: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class CityWatch:
    """A search of a rule in the whole city, for as long as it is in force; *name* is that of its memory."""

    name: str
    labels: tuple[str, ...]
    topics: tuple[str, ...]
    min_confidence: float | None
    per_second_max: int
    purpose: str


class City(Protocol):
    """The city as a rule may look at it. All of it is derived from entries of the journal."""

    now_ms: int
    sequence: int
    gone_to: int
    situations: dict[str, Situation]
    cameras: CameraIndex
    sites: SiteIndex

    @property
    def memories(self) -> Mapping[str, Memory]: ...
    @property
    def rules_in_force(self) -> Sequence[Rule]: ...
    @property
    def rules(self) -> RulesConfig: ...
    @property
    def index(self) -> IncidentIndex: ...
    @property
    def owners(self) -> Mapping[str, str]: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def zone(self) -> ZoneInfo: ...
    def live_near(self, places: Iterable[Position], radius_m: float) -> list[Situation]: ...
    def memory_of_watch(self, watch_id: str) -> Memory: ...
    def of_rule(self, name: str) -> Sequence[str]: ...


class Notices(ABC):
    """A rule that takes agencies' notices: what is no report of a happening, but may lead to one. *notices* are their
    contracts."""

    notices: frozenset[str]

    @abstractmethod
    def on_notice(self, city: City, entry: Entry) -> Step:
        """The answer to one. It has been checked (``notices.check_notice``)."""


class Sifts(ABC):
    """A rule that takes notices of which most change nothing: those are neither journalled nor given to it."""

    @abstractmethod
    def is_news(self, city: City, contract: str, value: Mapping[str, Any]) -> bool:
        """Whether a notice of one of its contracts may change anything."""


class KeepsList(ABC):
    """A rule that keeps a list of what agencies want found, and opens a watch for each entry of it."""

    @abstractmethod
    def check_room(self, city: City, entry: Entry) -> None:
        """``Invalid`` for a notice that the list has no room for."""

    @abstractmethod
    def source_of_entry(self, city: City, entry: Entry) -> str | None:
        """The source that first listed what the notice is about; ``None`` where it is not on the list."""


class MeasuresTraffic(ABC):
    """A rule that knows how fast vehicles are."""

    @abstractmethod
    def speed_near(self, city: City, position: Position, radius_m: float) -> Mapping[str, Any] | None:
        """``speed_mps``, ``vehicles``, and ``usual_mps`` and ``share`` (of the usual speed), which are ``None`` where
        nothing is known of usual. ``None`` where nobody within *radius_m* of *position* moved of late."""


class TellsTrack(ABC):
    """A rule whose situations move."""

    @abstractmethod
    def way_of(self, city: City, situation: Situation) -> Mapping[str, Any]:
        """The way of *situation*, which is open: ``hits`` in order of event time, ``hops`` between them, and
        ``next_cameras`` with what they rest on, as ``core.track`` says them."""


class ForbidsFlight(ABC):
    """A rule that knows where drones may not fly."""

    @abstractmethod
    def forbids(self, city: City, drone_id: str, start: Position, end: Position) -> bool:
        """Whether that drone may not fly in a straight line from *start* to *end*."""


def forbids_flight(city: City, drone_id: str, start: Position, end: Position) -> bool:
    """Whether a rule in force knows that a drone may not fly in a straight line from *start* to *end*."""
    keepers = (one for one in city.rules_in_force if isinstance(one, ForbidsFlight))
    return any(one.forbids(city, drone_id, start, end) for one in keepers)


class Follows(ABC):
    """A rule whose situations change in its own way by an operator's action, as by new cameras or references."""

    @abstractmethod
    def on_action(self, city: City, after: Situation) -> Draft:
        """*after*, the revision that says what the operator did, with what follows."""


class Explains(ABC):
    """A rule that can say what would have made a situation of its own different."""

    @abstractmethod
    def otherwise(self, city: City, situation: Situation) -> str | None:
        """In a sentence, as things stand with this revision."""


class Rule:
    """Pure: the same city and the same question give the same answer. It never changes *city*.

    *speaks_last*: it is asked once the reports have their situations. *standing* is what it looks for in the whole city.
    *keeps* are the names of all memories that it may have; one that ends in ``:`` stands for all that begin so. A rule
    writes the hooks that it needs; without one, nothing follows.
    """

    name: str
    version: str
    speaks_last: bool = True
    standing: CityWatch | None = None
    keeps: frozenset[str] = frozenset()
    tells_operator: bool = True
    """Whether the city's operator is alerted to its situations that are an agency's, too."""

    def on_event(self, city: City, heard: Heard) -> Step:
        """The answer to a new or revised report."""
        return Step()

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        """The answer to what one of its watches found."""
        return Step()

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """The answer to the time, for a situation of this rule or something that it remembers."""
        return Step()
