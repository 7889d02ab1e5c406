"""Lists of what stands by the log: the rows in the states that are asked for, the newest changed first, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import CURSOR, LIMITED, SINCE, Parameter, arguments_of, one_of
from connectors.gateway.read_documents import described_list
from connectors.gateway.reads import LogReads, Told, iso_of
from connectors.subscribers import Subscriber


class LogRow(Protocol):
    """A row as it stands. *place* and *changed_ms*: the offset and the time of the record of its last change."""

    @property
    def place(self) -> int: ...
    @property
    def changed_ms(self) -> int: ...
    @property
    def state(self) -> str: ...


Row = TypeVar("Row", bound=LogRow)


def state_among(
    states: Sequence[str], about: str, *, usual: Sequence[str], example: Sequence[str]
) -> Parameter:
    """The filter by state. *usual*: the states that are listed without it."""
    return Parameter(
        "state",
        about,
        {"type": "string", "enum": list(states)},
        one_of(states),
        default=tuple(usual),
        is_several=True,
        example=list(example),
    )


@dataclass(frozen=True, slots=True)
class LogList(Generic[Row]):
    """The list of *contract* under *name*. *rows*: all, the newest changed first; *key_of*: the id of one; *shown*: its JSON
    form for a reader; *may_read*: whether that reader may know of it; *description*: for OpenAPI."""

    name: str
    contract: str
    state: Parameter
    rows: Callable[[], Iterable[Row]]
    key_of: Callable[[Row], str]
    shown: Callable[[Subscriber, Row], dict[str, Any]]
    may_read: Callable[[Subscriber, Row], bool] = lambda _reader, _row: True
    description: str | None = None

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.state, SINCE, LIMITED, CURSOR)

    def page(self, reader: Subscriber, given: Sequence[tuple[str, str]]) -> Told:
        """The page that *given* asks for, and the cursor of the next."""
        wanted, digest = arguments_of(self.parameters, given), digest_of(given)
        found: list[Row] = []
        cursor = None
        for row in self._chosen(reader, wanted, after_of(wanted["cursor"], digest)):
            if len(found) == wanted["limit"]:
                cursor = cursor_of((found[-1].place, self.key_of(found[-1])), digest)
                break
            found.append(row)
        newest_ms = max((row.changed_ms for row in found), default=None)
        told = {
            self.name: [self.shown(reader, row) for row in found],
            "newest_change": None if newest_ms is None else iso_of(newest_ms),
            "next": cursor,
        }
        return told, cursor

    def _chosen(
        self, reader: Subscriber, wanted: Mapping[str, Any], after: tuple[float, str] | None
    ) -> Iterator[Row]:
        since_ms = wanted["since"] or 0
        for row in self.rows():
            is_later = after is None or (row.place, self.key_of(row)) < after
            is_wanted = row.state in wanted["state"] and row.changed_ms >= since_ms
            if is_later and is_wanted and self.may_read(reader, row):
                yield row


def log_list(app: FastAPI, reads: LogReads, listing: LogList[Row]) -> None:
    """Add the route of *listing* to *app*."""

    async def listed(city: str, request: Request) -> Response:
        given = request.query_params.multi_items()
        return await reads.answer(request, city, listing.name, lambda reader: listing.page(reader, given))

    described = described_list(listing.name, listing.contract, listing.parameters)
    app.get(f"/v1/{{city}}/{listing.name}", **described, description=listing.description)(listed)
