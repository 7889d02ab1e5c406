"""Warnings in the Common Alerting Protocol: CAP 1.0, 1.1 and 1.2, alone, in Atom or RSS feeds, or in EDXL-DE envelopes.

Asked (page or file), pushed or played. Where a feed only links to its alerts, a poll follows the links: ``links_max`` new
ones each time, at the feed's own server and those of ``links_from``; others are noted.

- Identity: identifier, sender and sent name a message in whatever feed it stands, so one alert heard by several sources of a
  city is one incident (``agency`` should be the same in all). An Update is a revision of the first alert that its references
  lead to, and ends any other that they name. A Cancel closes what it names, also what is heard only later.
- End: ``expires`` at the first body heard after it, an Update with the response AllClear or of another area, or a Cancel. An
  alert whose end had passed when it was first heard is skipped and counted.
- Skipped and counted: what the city itself sent (``sender`` in ``[cap]`` of its file); status Exercise, System, Test and
  Draft, of alert or envelope; Ack and Error; areas outside the city.
- Place: a point of polygon or circle that lies in the city; ``accuracy_m`` reaches the area's farthest corner, the address
  holds the areas' names. A geocode alone is noted, not guessed; ``geocodes`` leaves out those of other places, ``unplaced``
  all without a place.
- Language: the city's, then English, then the first block's. Of several blocks in it the first that reaches into the city.
- Kind: ``kinds``, the event code by the table of its list (``bongsu:kind``: of another city of ours), the event by ``words``
  and by ``cap``, the category.
- Priority: severity, urgency and certainty, as they are said.

Lenient: the order of elements, unknown elements and empty optional ones, the case of words, a missing category or area,
words of urgency, severity and certainty that CAP lacks (noted, Unknown), a polygon that is not closed.
Refused: an alert without identifier, sender, sent, status, msgType or scope, or an info without event, urgency, severity or
certainty; a time without offset; a shape that is none; an unknown status or msgType.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lxml import etree
from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.cap_words import KIND_CODES
from connectors.formats.json import json_value
from connectors.formats.records import plausible_time, position, set_aside
from connectors.formats.xml import Element, check_unmarked, parsed, parsed_with_marks
from connectors.sources import _cap
from connectors.sources._cap import Alert, Info
from connectors.subjects.incidents import Case
from connectors.subjects.lasting import Lasting
from connectors.subjects.own_words import KindsOf, WordTable
from connectors.subjects.speakers import checked_agency
from connectors.transport.linked_pages import INDEX, LINKED, LinkedPages
from connectors.transport.page_or_file import Origin, PageOrFile, PageOrFileSettings, refuse_unheeded
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import Invalid
from schemas.kinds import OTHER, Words, load_kinds
from schemas.names import AgencyName
from schemas.parts import TABLE, UNKNOWN, Known

SYSTEM = "cap"
CANCELLED = ""
NAMES_MAX = 4_000
"""Messages remembered, each with the alert that it revises: a few thousand a day are a busy country's."""
CODE_TABLES = {"SAME": "cap-same", "profile:CAP-CP:Event": "cap-cp"}
"""The beginning of an event code's list → its table in ``schemas/kinds.toml``."""
ADDRESS_LETTERS_MAX = 500


class Config(PageOrFileSettings):
    """Settings of a source of type ``cap_alerts``. Without url and path it is only played or pushed."""

    agency: AgencyName = Field(description="our word for who warns, of senders that agencies does not name")
    agencies: dict[str, AgencyName] = Field({}, description="sender of an alert → our word for it")
    kinds: KindsOf = Field({}, description="event codes or events → kinds, before any table")
    words: WordTable = Field(
        None, description="a table of events in schemas/kinds.toml: cap-kr, cap-us, cap-au"
    )
    language: str | None = Field(None, pattern="^[A-Za-z-]+$", description="of texts; none: the city's")
    geocodes: dict[str, tuple[str, ...]] = Field(
        {}, description="list of geocodes → those of the city; alerts by geocodes of other places are skipped"
    )
    unplaced: bool = Field(True, description="whether alerts without a place of their own are told")
    links_max: int = Field(20, ge=0, le=200, description="new links of an index that one poll follows")
    links_from: tuple[Origin, ...] = Field((), description="servers beside url's that may hold linked alerts")

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """The agencies for which the source speaks."""
        return context.speaks_for or tuple(sorted({self.agency, *self.agencies.values()}))

    def model_post_init(self, _: Any) -> None:
        asks = (self.url is not None, "with url")
        refuse_unheeded(self, {"links_max": asks, "links_from": asks})


class CapAlerts:
    """A ``PolledSource`` of warnings."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._language = config.language or context.language
        self._asked = PageOrFile(context.source, config)
        self._linked = None
        if config.url is not None and config.links_max:
            self._linked = LinkedPages(
                config.url,
                lambda body: _cap.links_in(parsed(body)),
                links_max=config.links_max,
                origins=config.links_from,
                timeout_s=config.timeout_s,
                headers=config.headers,
            )
        tree = load_kinds()
        self._own = Words.of(config.kinds)
        self._words = [tree.words[one] for one in (config.words, "cap") if one is not None]
        self._codes = {start: tree.words[table] for start, table in CODE_TABLES.items()}
        self._codes[KIND_CODES] = Words.of({kind: kind for kind in tree.names})
        self._categories = tree.words["cap-category"]

    # -- the rim ---------------------------------------------------------------------------------------------

    async def poll(self, place: Place) -> Heard:
        heard = await self._asked.ask()
        if self._linked is not None and heard.body.strip():
            return await self._linked.follow(heard)
        return heard if heard.at_ms is not None else replace(heard, at_ms=wall_clock_ms())

    async def close(self) -> None:
        await self._asked.close()
        if self._linked is not None:
            await self._linked.close()

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Lasting(self._context, heard, place)
        aside: list[SetAside] = []
        try:
            elements = self._elements(heard.body, told, aside)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        alerts: list[tuple[Alert, bytes]] = []
        for number, (element, is_alone, is_marked) in enumerate(elements):
            original = heard.body if is_alone else bytes(etree.tostring(element, with_tail=False))
            try:
                if is_marked:
                    check_unmarked(element)
                alerts.append((_cap.read_alert(element, told.noted), original))
            except Invalid as error:
                aside.append(set_aside(original, error, number=number))
        names: dict[str, str] = dict(place.get("names", {}))
        for alert, original in sorted(alerts, key=lambda one: one[0].name):
            try:
                self._hear(alert, heard.at_ms, names, told)
            except Invalid as error:
                aside.append(set_aside(original, error))
        for oldest in list(names)[: max(0, len(names) - NAMES_MAX)]:
            del names[oldest]
        return told.reading(aside, {"names": names})

    def _elements(
        self, body: bytes, told: Lasting, aside: list[SetAside]
    ) -> list[tuple[Element, bool, bool]]:
        """The alerts of *body*, each with whether the body is that alert alone, and whether there are bytes of no character.

        ``Invalid`` for what is no CAP at all.
        """
        if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return self._of_xml(body, {}, told)
        value = json_value(body)
        linked = value.get(LINKED) if isinstance(value, dict) and value.keys() == {INDEX, LINKED} else None
        if not isinstance(linked, dict) or not all(
            isinstance(one, str) for one in (value[INDEX], *linked.values())
        ):
            raise Invalid("the JSON is no index with its alerts", expected="XML of CAP, Atom or EDXL-DE")
        found = self._of_xml(value[INDEX].encode(), linked, told)
        for text in filter(str.strip, linked.values()):
            try:
                found += [(one, False, mark) for one, _, mark in self._of_xml(text.encode(), {}, told)]
            except Invalid as error:
                aside.append(set_aside(text.encode(), error))
        return found

    def _of_xml(
        self, body: bytes, linked: Mapping[str, str], told: Lasting
    ) -> list[tuple[Element, bool, bool]]:
        root, is_marked = parsed_with_marks(body)
        alerts, entries = _cap.alerts_in(root), _cap.entries_in(root)
        if (status := _cap.exercises(root)) is not None:
            told.skipped[f"envelope of status {status[:20]}"] += max(1, len(alerts))
            return []
        if not alerts and entries is None:
            raise Invalid(
                "there is no alert of CAP 1.0, 1.1 or 1.2", field="alert", expected="a CAP alert or a feed"
            )
        if _cap.has_more(root):
            told.noted["the feed has further pages, which are not followed"] += 1
        if (links := len(_cap.links_in(root))) > len(linked):
            told.noted["an entry only links to its alert, which was not heard"] += links - len(linked)
        return [(one, one is root, is_marked) for one in alerts]

    # -- one alert -------------------------------------------------------------------------------------------

    def _hear(self, alert: Alert, at_ms: int | None, names: dict[str, str], told: Lasting) -> None:
        if alert.name.sender == self._context.cap_sender:
            told.skipped["the city's own alert"] += (
                1  # it would become an incident, and that one an alert again
            )
        elif alert.status != "Actual":
            told.skipped[f"status {alert.status}"] += 1
        elif alert.type in ("Ack", "Error"):
            told.skipped[f"msgType {alert.type}"] += 1
        elif alert.type == "Cancel":
            self._cancel(alert, names, told)
        else:
            self._warn(alert, at_ms, names, told)

    def _cancel(self, alert: Alert, names: dict[str, str], told: Lasting) -> None:
        ended = False
        for one in alert.references:
            root = names.get(one.key, one.key)
            if root != CANCELLED:
                ended |= told.end(_key(root), "cancelled by its sender", said_ms=alert.name.sent_ms)
            if one.key not in names:
                names[one.key] = CANCELLED
        if not ended:
            told.skipped["a Cancel of nothing that lasts"] += 1

    def _warn(self, alert: Alert, at_ms: int | None, names: dict[str, str], told: Lasting) -> None:
        name = alert.name
        if names.get(name.key) == CANCELLED:
            told.skipped["cancelled before it was heard"] += 1
            return
        earlier = [one for one in alert.references if names.get(one.key) != CANCELLED]
        first = next((one for one in earlier if one.key in names), earlier[0] if earlier else name)
        root = names.get(name.key) or names.get(first.key) or first.key
        found = self._place(alert, told, is_new=name.key not in names)
        if found is None:
            told.end(_key(root), "no longer of the city", said_ms=name.sent_ms)
            return
        info, where = found
        number = told.number(_key(root)) or first.identifier
        case = self._case(alert, info, root, number, where, at_ms)
        if case.status != "closed":
            case = replace(case, warning=_cap.warning_of(info, told.noted))
        for one in (*earlier, name):
            if (other := names.get(one.key, root)) != root:
                told.end(_key(other), "continued in another alert", said_ms=name.sent_ms)
            names[one.key] = root
        told.say(case, info.expires_ms)

    def _place(
        self, alert: Alert, told: Lasting, *, is_new: bool
    ) -> tuple[Info, dict[str, Any] | None] | None:
        """The block that is told, and its place in the city; ``None`` for an alert of other places, which is counted."""
        placeless = list[Info]()
        for info in _cap.chosen(alert.infos, self._language):
            within, is_drawn = _cap.place_in(info.areas, self._context.bounds)
            if within is not None:
                where = position(self._context, within.lat, within.lon, accuracy_m=within.reach_m or None)
                return info, where
            if not is_drawn and self._is_ours(info):
                placeless.append(info)
        if not placeless:
            told.skipped["area outside the city"] += 1
            return None
        if not self._config.unplaced:
            told.skipped["without a place"] += 1
            return None
        if is_new:
            coded = any(area.geocodes for area in placeless[0].areas)
            told.noted["place by a geocode alone" if coded else "no place"] += 1
        return placeless[0], None

    def _is_ours(self, info: Info) -> bool:
        """Whether a block without a shape may be of the city: always where ``geocodes`` names none of its lists."""
        codes = [code for area in info.areas for code in area.geocodes if code[0] in self._config.geocodes]
        return not codes or any(value in self._config.geocodes[name] for name, value in codes)

    def _case(
        self,
        alert: Alert,
        info: Info,
        root: str,
        number: str,
        where: dict[str, Any] | None,
        at_ms: int | None,
    ) -> Case:
        sent_ms = plausible_time(alert.name.sent_ms, at_ms, "sent")
        agency = self._config.agencies.get(alert.name.sender, self._config.agency)
        is_over = alert.type == "Update" and any(one.casefold() == "allclear" for one in info.responses)
        areas = "; ".join(dict.fromkeys(area.name for area in info.areas if area.name))
        return Case(
            domain="civil",
            agency=checked_agency(agency, self._context.speaks_for),
            number=number,
            identity=(SYSTEM, root),
            system=SYSTEM,
            kind=self._kind(info),
            kind_text=info.event,
            status="closed" if is_over else "open",
            event_ms=sent_ms,
            said_ms=sent_ms,
            is_first_time=False,
            position=where,
            priority=", ".join(info.levels),
            address=areas[:ADDRESS_LETTERS_MAX] or None,
            closed_reason="all clear" if is_over else None,
        )

    def _kind(self, info: Info) -> Known:
        for said in (*(value for _, value in info.codes), info.event):
            if kind := self._own.get(said):
                return Known(kind, TABLE)
        for name, value in info.codes:
            table = next((words for start, words in self._codes.items() if name.startswith(start)), None)
            if table is not None and (kind := table.get(value)):
                return Known(kind, TABLE)
        tables = (
            *((one, info.event) for one in self._words),
            *((self._categories, c) for c in info.categories),
        )
        found = next((kind for words, said in tables if (kind := words.get(said))), None)
        return Known(OTHER, UNKNOWN) if found is None else Known(found, TABLE)


def _key(root: str) -> str:
    return "\x1f".join((SYSTEM, root))


SOURCE = CapAlerts
