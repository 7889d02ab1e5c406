"""A gateway with all routes but the stream of events: sources, lists, CAP, tickets, subscriptions. No Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from connectors.base import Sink
from connectors.gateway import (
    access_list,
    booking_list,
    bookings,
    case_reads,
    cases,
    closure_list,
    closures,
    deliveries,
    figures,
    gbfs_paths,
    health,
    hub_reads,
    recorded,
    subscriptions,
    surplus,
    surplus_list,
    tickets,
)
from connectors.gateway.access import Grants
from connectors.gateway.app import app_of
from connectors.gateway.booking_desk import RideAnswer, RideRow, RideWish
from connectors.gateway.cap import CapPart
from connectors.gateway.case_desk import CandidateAnswer, CandidateWish, CaseAnswer, CaseRow
from connectors.gateway.case_right import CaseRight
from connectors.gateway.closure_desk import ClosureAnswer, ClosureRow, ClosureWish, EndWish
from connectors.gateway.desk import Done
from connectors.gateway.gbfs_paths import GbfsPart
from connectors.gateway.read_documents import example_of
from connectors.gateway.surplus_desk import SurplusRow, SurplusWish
from connectors.gateway.ticket_keys import TicketKeys
from connectors.gateway.tickets import Tickets
from connectors.gateway.viewings import Refusals
from deploy.assembly.gateway_subscriptions import CitySinks
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid, Retriable
from schemas.json_form import from_json_value
from streams.closures.closed_area import polygons_of
from streams.deliver.subscriptions import Subscription
from tests.unit.gateway.a_hub_city import SYSTEM, TTL_MS, MemoryHubs, a_board
from tests.unit.gateway.a_reading_city import ReadCity, Reader, a_reading_city
from tests.unit.gateway.a_subscribed_city import MemoryDesk, city_in, desk_of
from tests.unit.gateway.a_ticket_log import Log
from tests.unit.gateway.an_app import NOON_MS

KEPT = 10
REQUEST_S = 10


class NotingDesk:
    """A desk that takes a note on any situation of *city* (``connectors.gateway.desk.Desk``)."""

    actions: Sequence[str] = ("note",)

    def __init__(self, city: ReadCity) -> None:
        self._city = city

    def may(self, roles: Sequence[str]) -> Sequence[str]:
        return self.actions

    def act(self, action: Mapping[str, Any], roles: Sequence[str]) -> Done:
        if self._city.row("core.situation", action["situation_id"], now_ms=NOON_MS) is None:
            raise Invalid("no such situation", field="situation_id", expected="one of this city")
        return Done(action["action_id"], action["situation_id"], roles[0], is_repeat=False)


class NotingRides:
    """One ride, which is always assigned already (``connectors.gateway.booking_desk.BookingDesk``)."""

    trouble: str | None = None

    def rides(self) -> Sequence[RideRow]:
        ride = {**example_of("mobility.booking"), "booking_id": "r-1", "state": "assigned"}
        return [RideRow("r-1", 0, NOON_MS, "assigned", ride["operator"], lambda: ride)]

    def ride(self, booking_id: str) -> RideRow | None:
        return next((one for one in self.rides() if one.booking_id == booking_id), None)

    def assign(self, wish: RideWish) -> RideAnswer:
        if wish.booking_id != "r-1":
            raise Invalid("no such ride", field="booking_id", expected="r-1", code="no-booking")
        return RideAnswer("booking-taken", "assigned", "van-1", 2, is_repeat=False)


class NotingSurplus:
    """One window, as which every wish is told (``connectors.gateway.surplus_desk.SurplusDesk``)."""

    trouble: str | None = None

    def windows(self) -> Sequence[SurplusRow]:
        value = example_of("energy.surplus")
        return [SurplusRow(value["area"], value["window_id"], 0, NOON_MS, "planned", lambda: value)]

    def announce(self, wish: SurplusWish) -> tuple[SurplusRow, bool]:
        if wish.state == "withdrawn":
            raise Invalid("no such window", field="window_id", expected="one planned", code="no-window")
        return self.windows()[0], False


class SilentSinks(CitySinks):
    """The city's sinks, of which none sends anything: addresses that a fuzzer thinks of may be somebody's."""

    def sink(self, one: Subscription) -> Sink:
        raise Retriable("nothing is sent in a test")


class NotingClosures:
    """One closure, which is over already (``connectors.gateway.closure_desk.ClosureDesk``)."""

    trouble = None

    def closures(self) -> list[ClosureRow]:
        times = {"event_time": NOON_MS, "received_time": NOON_MS, "starts_at": NOON_MS, "ends_at": None}
        row = {**example_of("core.closure"), **times, "closure_id": "c-1", "state": "over"}
        return [ClosureRow("c-1", 1, NOON_MS, row)]

    def closure(self, closure_id: str) -> ClosureRow | None:
        return next((one for one in self.closures() if one.closure_id == closure_id), None)

    def open(self, wish: ClosureWish) -> ClosureAnswer:
        polygons_of(wish.geometry)
        return ClosureAnswer(self.closures()[0], is_repeat=True)

    def end(self, wish: EndWish) -> ClosureAnswer:
        if wish.closure_id != "c-1":
            raise Invalid("no such closure", field="closure_id", expected="c-1", code="no-closure")
        return ClosureAnswer(self.closures()[0], is_repeat=False, refused="closure-over")


class NotingCases:
    """One open case with one candidate (``connectors.gateway.case_desk.CaseDesk``), of whoever may act for all agencies."""

    trouble: str | None = None
    agencies: Sequence[str] = ("*", "119")

    def open(self, asked: Mapping[str, Any], *, agency: str, account_id: str) -> CaseAnswer:
        if asked["ground"] is None:
            return CaseAnswer("case-1", refused="no_ground", other_grounds={"warrant": "a judge's warrant"})
        return CaseAnswer("case-1", "a ground", NOON_MS)

    def file(self, case_id: str, filing_id: str, *, agency: str, account_id: str) -> CaseAnswer:
        self.case(case_id, agency=agency)
        return CaseAnswer(case_id, "a ground", NOON_MS)

    def close(self, case_id: str, reason: str, *, agency: str, account_id: str) -> None:
        self.case(case_id, agency=agency)
        if reason != "found":
            raise Invalid("no such reason", field="reason", expected="found", code="unknown-reason")

    def cases(self, agency: str) -> Sequence[CaseRow]:
        return [CaseRow(_in_the_log("police.missing"), NOON_MS, None)]

    def case(self, case_id: str, *, agency: str) -> CaseRow:
        if case_id != "case-1":
            raise Invalid("no such case", field="case_id", expected="case-1", code="no-case")
        return self.cases(agency)[0]

    def candidates(self, case_id: str, *, agency: str) -> Sequence[Mapping[str, Any]]:
        self.case(case_id, agency=agency)
        return [_in_the_log("core.candidate")]

    def route(self, case_id: str, *, agency: str) -> Mapping[str, Any] | None:
        self.case(case_id, agency=agency)
        return _in_the_log("core.route")

    def answer(self, wish: CandidateWish) -> CandidateAnswer:
        self.case(wish.case_id, agency=wish.agency)
        return CandidateAnswer("a-1", wish.answer, wish.revision, is_repeat=False)


def _in_the_log(contract: str) -> dict[str, Any]:
    return from_json_value(load_catalogue()[contract].newest, example_of(contract))


class RoomyDesk(MemoryDesk):
    """The desk, where the newest subscriptions of an account push the older ones out: there is always room for one more."""

    def _check_room(self, one: Subscription) -> None:
        own = [name for name, each in self._of_rows.items() if each.account_id == one.account_id]
        for name in own[:-KEPT]:
            del self._of_rows[name]
        super()._check_room(one)


@contextmanager
def a_whole_city(folder: Path) -> Iterator[Reader]:
    """*folder* must be the parent of ``BONGSU_HOME``, which is ``home`` in it. Each look at the clock moves it on."""
    with a_reading_city(folder) as made:
        gateway, seconds = made.here.gateway, count(step=REQUEST_S)
        gateway.now_s = lambda: float(next(seconds))
        grants, city = Grants(), city_in(folder)
        row = made.city.put("core.grant", granted_to="119", expires_at=NOON_MS + 1_800_000, revoked_at=None)
        grants.put(row, now_ms=NOON_MS)
        gateway.desk = NotingDesk(made.city)
        room = Tickets(grants, Log(lambda: NOON_MS), TicketKeys(folder / "tickets"), Refusals())
        hubs = MemoryHubs()
        hubs.put(a_board())
        right = CaseRight.of(gateway, NotingCases(), made.access_log)
        desk = desk_of(city, gateway, kind=RoomyDesk, sinks=SilentSinks(city))
        made.here.app = app_of(
            gateway,
            CapPart(made.city.published, NOON_MS),
            [
                partial(tickets.add, tickets=room),
                partial(subscriptions.add, desk=desk),
                partial(booking_list.add, desk=NotingRides()),
                partial(bookings.add, desk=NotingRides()),
                partial(surplus_list.add, desk=NotingSurplus()),
                partial(surplus.add, desk=NotingSurplus()),
                lambda app, _: cases.add(app, right),
                lambda app, _: case_reads.add(app, right),
                partial(closure_list.add, desk=NotingClosures()),
                partial(closures.add, desk=NotingClosures()),
                partial(deliveries.add, readings=made.city, receivers=desk),
                partial(figures.add, figures=made.figures),
                partial(recorded.add, log=made.city.recorded),
                partial(access_list.add, shelf=made.accesses, log=made.access_log),
                partial(health.add, health=made.city.health),
                partial(hub_reads.add, hubs=hubs, ttl_ms=TTL_MS),
                partial(gbfs_paths.add, part=GbfsPart(SYSTEM, hubs, hubs, TTL_MS, hubs.closures.desk())),
            ],
        )
        yield made
