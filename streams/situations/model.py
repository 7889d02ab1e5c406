"""The value objects of the rules: never changed, replaced by the next revision."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from streams.situations.operators.model import Filing, Handling
from streams.situations.terms import JOINT_INCIDENT
from streams.situations.words import Said


class Position(Struct, frozen=True, gc=False):
    """WGS-84 degrees; *accuracy_m* is ``None`` when unknown."""

    lat: float
    lon: float
    accuracy_m: float | None = None


class Incident(Struct, frozen=True, gc=False):
    """An agency's case as its newest revision told it, and where in the log that stands.

    *anchored* says that it once opened a situation; *lapsed* that it was silent for too long and counts as
    closed until it is heard again. *bound* and *parted* are reports that an operator said are, or are not, of the
    same happening. *first_heard_at* is when it was heard for the first time, *turned_at* when something last happened to it.
    *unknown_word* is the agency's word where nothing is known of what it means; of what was written before words were read
    by their parts, nothing.
    *source* alone revises it; empty where it was heard before sources were kept.
    """

    incident_id: str
    domain: str
    agency: str
    agency_case_no: str
    kind: str
    status: str
    event_time: int
    position: Position | None
    revision: int
    event_id: str
    topic: str
    partition: int
    offset: int
    heard_at: int
    units: tuple[str, ...] = ()
    anchored: bool = False
    lapsed: bool = False
    bound: tuple[str, ...] = ()
    parted: tuple[str, ...] = ()
    first_heard_at: int = 0
    turned_at: int = 0
    unknown_word: str = ""
    source: str = ""
    address: str | None = None

    @property
    def happened_at(self) -> int:
        """When something last happened to it, as its agency dates it: as long after its report as it was heard after the
        report. So what is played of long ago is as old as it was then."""
        return self.event_time + self.turned_at - self.first_heard_at

    @property
    def is_closed(self) -> bool:
        return self.lapsed or self.status == "closed"

    @property
    def told_status(self) -> str:
        return "closed" if self.lapsed else self.status

    @property
    def order(self) -> tuple[int, str]:
        """Earliest first; the id decides between two of one moment."""
        return self.event_time, self.incident_id


class Moving(Struct, frozen=True, gc=False, omit_defaults=True):
    """A drone's mission and where its camera looks. *said_at*: when *endurance_s* was what it still had; *seen_at*: when it
    was where it is, 0 before any *footprint* (lat, lon of its corners)."""

    drone_id: str
    mission_id: str
    notice_id: str | None
    said_at: int
    cruise_mps: float = 0.0
    endurance_s: float | None = None
    starts_at: int | None = None
    ends_at: int | None = None
    seen_at: int = 0
    footprint: tuple[tuple[float, float], ...] = ()


class Camera(Struct, frozen=True, gc=False, omit_defaults=True):
    """A camera as its owner lists it, as far as the rules care. *source* alone lists it; empty: as of an incident. One that
    is *moving* is a drone's."""

    camera_id: str
    position: Position | None
    purposes: tuple[str, ...]
    status: str
    source: str = ""
    moving: Moving | None = None

    @property
    def is_usable(self) -> bool:
        return self.status == "ok" and self.position is not None


class Site(Struct, frozen=True, gc=False):
    """A place that crews must know of, from *starts_at* until *ends_at*, as far as either is known."""

    site_id: str
    position: Position | None
    kind: str
    name: str | None = None
    detail: str | None = None
    starts_at: int | None = None
    ends_at: int | None = None
    source: str = ""

    def holds(self, now: int) -> bool:
        return (self.starts_at is None or self.starts_at <= now) and (
            self.ends_at is None or now < self.ends_at
        )


class CameraAt(Struct, frozen=True, gc=False):
    """A camera near a place: *rank* 1 is the nearest. *override* is the ground by which it serves another purpose than
    its own."""

    camera_id: str
    rank: int
    distance_m: float
    override: str | None = None


class Grant(Struct, frozen=True, gc=False):
    """Leave for one agency, or one unit of an agency, to see one camera. Held only while it is in force."""

    grant_id: str
    revision: int
    camera_id: str
    rank: int
    distance_m: float
    granted_to: str
    purpose: str
    legal_ground: str
    opened_at: int
    expires_at: int
    override: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        return self.granted_to, self.camera_id


class ToldAlert(Struct, frozen=True, gc=False):
    """The last revision of an audience's alert, a digest of its contents, and the place *at* which it was. *since* is when
    the alert that is now active was first published."""

    audience: str
    revision: int
    is_active: bool
    said: str
    severity: str = "unknown"
    since: int = 0
    at: Position | None = None


class Sent(Struct, frozen=True, gc=False):
    """The last revision of the bundle for the units of one report, a digest of its contents, and *since* when they are sent.
    For want of room *left_out* cameras nearby are not theirs to see, and *units_left_out* units see none."""

    incident_id: str
    agency: str
    agency_case_no: str
    revision: int
    said: str
    since: int
    is_over: bool = False
    left_out: int = 0
    units_left_out: int = 0


SaidBy = tuple[str | None, str | None]


class Observed(Struct, frozen=True, gc=False):
    """An observation that a situation's watch found: where it stands in the log, how far and how long from the place and
    the beginning. *distance_m* is ``None`` when unknown. *seen_by* is whoever claims it, as far as that is known."""

    event_id: str
    topic: str
    partition: int
    offset: int
    distance_m: float | None
    seconds: float
    label: str | None = None
    seen_by: str | None = None
    position: Position | UnsetType = UNSET
    """Left out of a row where it is unknown, so that rows of before stay as they are."""

    @property
    def place(self) -> Position | None:
        return None if self.position is UNSET else self.position

    @property
    def said_by(self) -> SaidBy:
        """The label, and the camera or topic that claims it."""
        return self.label, self.seen_by


def listed_with(observed: tuple[Observed, ...], found: Observed, most: int) -> tuple[Observed, ...]:
    """*observed* and *found*. Where there is no room, what nobody had said before takes the place of the last that
    somebody had: one camera, however often it claims, leaves room for all others."""
    if len(observed) < most:
        return (*observed, found)
    said: set[SaidBy] = set()
    repeated = None
    for number, one in enumerate(observed):
        if one.said_by in said:
            repeated = number
        said.add(one.said_by)
    if repeated is None or found.said_by in said:
        return observed
    return (*observed[:repeated], *observed[repeated + 1 :], found)


class Hit(Struct, frozen=True, gc=False):
    """An observation of something that moves, beyond what ``Observed`` keeps: its place and its *token*, and whether it is
    sure (*is_hit*) or a candidate. A row of before tracks were kept has none."""

    event_id: str
    position: Position | None
    token: str
    is_hit: bool


class Track(Struct, frozen=True, gc=False):
    """The *hits* of a situation that moves, in the order in which they were heard; the last revision that was told of
    them, and a digest of its contents."""

    hits: tuple[Hit, ...] = ()
    revision: int = 0
    said: str = ""


class SituationWatch(Struct, frozen=True, gc=False):
    """The watch around a situation, as it was last told. *closes_at* is ``None`` while it is open; *ended* once it is
    taken away."""

    revision: int
    position: Position
    closes_at: int | None = None
    ended: bool = False


class View(Struct, frozen=True, gc=False):
    """The published part of a situation. A new revision is due exactly when this changes.

    *radius_m*, *words* and *beneath* are those of an area: how far it reaches, what is said of it, and the single
    situations listed beneath it. *references* are (what, where it is kept): told to its agencies and to *shown_to*,
    never to others.
    """

    kind: str
    status: str
    opened_at: int
    closed_at: int | None
    position: Position | None
    agencies: tuple[str, ...]
    incidents: tuple[Incident, ...]
    severity: str
    urgency: str
    certainty: str
    cameras: tuple[CameraAt, ...]
    merged_into: str | None = None
    split_from: str | None = None
    observed: tuple[Observed, ...] = ()
    radius_m: float | None = None
    words: Said | None = None
    beneath: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    shown_to: tuple[str, ...] = ()


class Situation(Struct, frozen=True, gc=False):
    """One happening as the platform holds it to be, and all that it needs to remember of it.

    *opened_seq* is the journal's sequence at which it was opened, *anchor* the report that opened it.
    *wake_at* is when its rule wants to be asked about it.
    *listed* are the id of the area alert beneath which it stands and its kind then, while it is of that kind.
    *lapsed* are (agency, camera) whose grants ran out: not granted again before somebody new reports.
    """

    situation_id: str
    anchor: str
    opened_seq: int
    revision: int
    reason: str
    view: View
    told: tuple[ToldAlert, ...] = ()
    grants: tuple[Grant, ...] = ()
    grants_opened: int = 0
    lapsed: tuple[tuple[str, str], ...] = ()
    watch: SituationWatch | None = None
    rule: str = JOINT_INCIDENT
    listed: tuple[str, str] | None = None
    handled: Handling = Handling()
    sent: tuple[Sent, ...] = ()
    wake_at: int | None = None
    filings: tuple[Filing, ...] = ()
    track: Track | None = None

    @property
    def is_closed(self) -> bool:
        return self.view.status == "closed"

    @property
    def holds_reports(self) -> bool:
        """Whether agencies' reports stand behind it; an area, or what a rule found by itself, has none."""
        return bool(self.view.incidents)

    @property
    def is_placed(self) -> bool:
        """Whether cameras near it matter: reports stand behind it, and it is not over."""
        return not self.is_closed and self.view.position is not None and self.holds_reports

    @property
    def is_merged(self) -> bool:
        return self.view.merged_into is not None

    @property
    def age(self) -> tuple[int, str]:
        """Oldest first: who keeps its id when two turn out to be one."""
        return self.opened_seq, self.situation_id
