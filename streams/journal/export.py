"""A city's journal and answers from the log to the lines of a file (`streams.journal.file`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.catalogue import Contract, Schema, contract_of, topic_name
from schemas.errors import Fatal, Invalid, Unreachable
from schemas.framing import unframe
from schemas.model import model_of
from schemas.registry import Registry, subject_of
from schemas.wire import Wire
from streams.journal.beginning import beginning_of
from streams.journal.file import RULES, ExportedAnswer, ExportedEntry, answer_line, entry_line, header_line
from streams.journal.replay import ANSWERS, COMPARED, Reached, answered_before, reaches_back
from streams.journal.snapshot import Snapshot
from streams.runtime.kafka import beginnings_of, ends_of, read_whole
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader, place_of


class NothingRecorded(Fatal):
    """The city has no journal."""

    def __init__(self, city: str) -> None:
        super().__init__(
            f"{city} has no journal: its rules never ran here",
            hint=f"run it first ('bongsu run {city}'), or play a recording through it ('bongsu play --help')",
        )


def exported(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[bytes]:
    """The lines of the file. What *reader* cannot read is left out, as when the journal is replayed. *progress* gets the
    number of entries and answers so far.

    The city may be running. As when it is verified, what is exported is fixed at the beginning: the journal's end as readers
    see it, the ends of the answers, and the journal's end with what is under way. Entries behind the first are marked as
    later: their answers need not be in the file.

    Once the journal's first entries, or the answers to them, are gone, the file begins with a snapshot, as a verification
    does; otherwise it has none.

    ``NothingRecorded``, ``BeginningGone``; ``Fatal`` names a record whose schema the catalogue does not know.
    """
    versions = Versions(wire.registry)
    journal, topics = topic_name(city, "core.journal"), [topic_name(city, one) for one in COMPARED]
    begun = Reached(_journal_ends(city, bootstrap, is_committed=True))
    answered = ends_of(bootstrap, topics, is_committed=False)
    enough = Reached(_journal_ends(city, bootstrap, is_committed=False))
    firsts = beginnings_of(bootstrap, [topic_name(city, one) for one in ANSWERS])
    beginning = beginning_of(
        city,
        reader.rows(read_whole(bootstrap, [journal], is_enough=enough)),
        suits=lambda one: reaches_back(city, one, firsts),
    )
    if beginning is None:
        raise NothingRecorded(city)
    snapshot = beginning.snapshot
    yield header_line(city, has_snapshot=snapshot is not None)
    yield from _snapshot_lines(snapshot)
    count = 0
    for row in beginning.rows:
        if not enough.holds(row.record):
            break
        line = _entry_line(row.record, row.value or {}, versions, is_later=not begun.holds(row.record))
        count += 1
        yield line
        progress(count)
    for contract, topic in zip(COMPARED, topics, strict=True):
        reached, first = Reached(answered), answered_before(contract, snapshot)
        for row in reader.rows(read_whole(bootstrap, [topic], is_enough=reached)):
            if not reached.holds(row.record):  # one partition each: nothing exported comes behind it
                break
            if row.record.offset >= first:
                yield _answer_line(row.record, versions)
                count += 1
                progress(count)


def _journal_ends(city: str, bootstrap: str, *, is_committed: bool) -> dict[tuple[str, int], int]:
    journal = topic_name(city, "core.journal")
    try:
        return ends_of(bootstrap, [journal], is_committed=is_committed)
    except Unreachable:
        raise
    except Fatal as error:  # no such topic
        raise NothingRecorded(city) from error


def _snapshot_lines(snapshot: Snapshot | None) -> Iterator[bytes]:
    for row in () if snapshot is None else snapshot.rows:
        about = {name: value for name, value in row.items() if name != "body"}
        yield entry_line(ExportedEntry(about, row["body"], None), None)


def _entry_line(record: Record, row: Mapping[str, Any], versions: Versions, *, is_later: bool) -> bytes:
    about = {name: value for name, value in row.items() if name != "body"}
    if is_later:
        about["later"] = True
    if row["entry"] == RULES:
        return entry_line(ExportedEntry(about, row["body"], None), None)
    version, payload = versions.of(row["origin_topic"], row["body"], place_of(record))
    return entry_line(ExportedEntry(about, payload, version), subject_of(row["origin_topic"]))


def _answer_line(record: Record, versions: Versions) -> bytes:
    key = (record.key or b"").decode(errors="replace")
    if record.value is None:
        return answer_line(ExportedAnswer(record.topic, key, None, None), subject_of(record.topic))
    version, payload = versions.of(record.topic, record.value, place_of(record))
    return answer_line(ExportedAnswer(record.topic, key, payload, version), subject_of(record.topic))


class Versions:
    """The version of its contract that a frame is written in, by its schema and not by the registry's number: that holds
    where a registry was filled in another order, too."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, int], int] = {}

    def of(self, topic: str, frame: bytes, place: str) -> tuple[int, bytes]:
        """(version, Avro payload) of *frame*, which stands at *place* and is of *topic*. ``Fatal`` where the catalogue has
        no such version."""
        try:
            contract = contract_of(topic)
            schema_id, payload = unframe(frame)
            schema = self._registry.schema_of(schema_id)
        except Invalid as error:
            raise Fatal(f"{place}: {error.what}", hint="it cannot be exported") from error
        known = self._known.get((topic, schema_id))
        if known is None:
            known = self._known[topic, schema_id] = _version_of(contract, schema, place)
        return known, payload


def _version_of(contract: Contract, schema: Schema, place: str) -> int:
    model = model_of(schema)
    for number in range(len(contract.versions), 0, -1):
        if model_of(contract.versions[number - 1]) == model:
            return number
    raise Fatal(
        f"{place} is written in a schema of {contract.name} that the catalogue does not have",
        hint=f"'bongsu schemas diff' shows what the registry has; add the version under schemas/topics/{contract.name}",
    )
