"""The contract of every sink as checks that run anywhere, as those of sources do. Each raises ``BrokenPromise``."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr

from connectors.base import Delivery, RefusedEvent, Sink, SinkContext
from connectors.contract_suite.reading import BrokenPromise
from connectors.contract_suite.receivers import Opened, Receiver, a_file_receiver, a_web_receiver
from connectors.discovery import load_sink, location_of, read_config
from connectors.imports import import_connector
from connectors.locations import Folders
from schemas.errors import Fatal, Retriable

NOW_MS = 1_800_000_000_000
SHORT_S = 2.0
PRIVATE = "Gildong-Hong-19-7"
"""A person's name, as each body holds one."""
_NAMED_SECRET = re.compile("secret|token|key|password")
BY_SETTING: Mapping[str, Opened] = {"url": a_web_receiver, "path": a_file_receiver}


@dataclass(frozen=True)
class SinkExample:
    """A type by its name, and the settings that its receiver does not bring. *opened*: a receiver of its own kind."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    folders: Folders = ()
    opened: Opened | None = None

    def model(self) -> type[BaseModel]:
        model: type[BaseModel] = import_connector(location_of("sink", self.name, self.folders)).Config
        return model

    def receiver(self) -> contextlib.AbstractContextManager[Receiver]:
        """A receiver of the kind that a setting of the type names."""
        fields = self.model().model_fields
        opened = self.opened or next((how for name, how in BY_SETTING.items() if name in fields), None)
        if opened is None:
            hint = (
                "give SinkExample one (opened=…), by the protocol in connectors/contract_suite/receivers.py"
            )
            raise Fatal(f"sink {self.name!r} has neither url nor path, so it needs a receiver", hint=hint)
        return opened()

    def sink(self, receiver: Receiver) -> Sink:
        context = SinkContext("daejeon", "example", lambda: NOW_MS, receiver.allow_hosts)
        return load_sink(self.name, {**self.config, **receiver.settings}, context, self.folders)

    def secrets(self, receiver: Receiver) -> list[str]:
        """All that may be told to nobody: the receiver's secret, the settings that are secret, and the bodies."""
        settings = read_config(
            self.name, {**self.config, **receiver.settings}, folders=self.folders, kind="sink"
        )
        found = [PRIVATE, receiver.secret]
        for name, value in settings:
            for one in value if isinstance(value, tuple | list) else [value]:
                if isinstance(one, SecretStr):
                    found.append(one.get_secret_value().removeprefix("whsec_"))
                elif isinstance(one, str) and _NAMED_SECRET.search(name):
                    found.append(one)
        return [one for one in found if one]


def deliveries(count: int = 12, of: int = 3) -> list[Delivery]:
    """Events of *of* situations, in turn."""
    made = []
    for number in range(count):
        event_id, key = f"event-{number:04}", f"situation-{number % of}"
        body = orjson.dumps({"specversion": "1.0", "id": event_id, "data": {"note": PRIVATE}})
        made.append(
            Delivery(event_id, "core.situation", "core.situation", key, body, "application/json", NOW_MS)
        )
    return made


def settings_are_described(example: SinkExample) -> None:
    model = example.model()
    if model.model_config.get("extra") != "forbid":
        raise BrokenPromise('Config takes settings that it does not have: set extra="forbid"')
    for name, one in model.model_fields.items():
        if not one.description:
            raise BrokenPromise(f"setting {name} has no description")


def delivers_all_in_order(example: SinkExample) -> None:
    events = deliveries()
    with example.receiver() as receiver:
        _run(example, receiver, lambda sink: _of(sink, [events[:1], events[1:8], [], events[8:]]))
        _are(receiver, events, "delivered")
        bodies = receiver.received()
        for event, body in zip(events, bodies, strict=True):
            if event.body not in body:
                raise BrokenPromise(f"{event.event_id} arrived with another body")


def a_repeat_has_the_same_id(example: SinkExample) -> None:
    event = deliveries(1)
    with example.receiver() as receiver:
        _run(example, receiver, lambda sink: _of(sink, [event, event]))
        _are(receiver, event * 2, "delivered twice")


def a_failing_receiver_may_heal(example: SinkExample) -> None:
    """It is told as ``Retriable``; afterwards the same sink brings all."""
    events = deliveries()
    with example.receiver() as receiver:

        async def through(sink: Sink) -> None:
            receiver.fail()
            error = await _error(sink, events)
            if not isinstance(error, Retriable):
                raise BrokenPromise(f"a receiver that is down for a while gave {_name(error)}, not Retriable")
            if "url" in receiver.settings and error.retry_after_s != 7:
                raise BrokenPromise(f"Retry-After: 7 became retry_after_s={error.retry_after_s}")
            receiver.heal()
            await sink.deliver(events)

        _run(example, receiver, through)
        _are(receiver, events, "delivered after it healed")


def a_refused_event_is_named(example: SinkExample) -> None:
    """The ones before it are safe, the ones behind it were not sent; without it the others go on."""
    events = deliveries(5)
    with example.receiver() as receiver:
        events[2] = receiver.refuse(events[2])

        async def through(sink: Sink) -> None:
            error = await _error(sink, events)
            if not isinstance(error, RefusedEvent):
                raise BrokenPromise(
                    f"an event that is refused for good gave {_name(error)}, not RefusedEvent"
                )
            if error.event_id != events[2].event_id:
                raise BrokenPromise(f"{events[2].event_id} was refused, the error names {error.event_id}")
            _are(receiver, events[:2], "delivered before the refused one")
            await sink.deliver(events[3:])

        _run(example, receiver, through)
        _are(receiver, events[:2] + events[3:], "delivered around the refused one")


def being_refused_is_fatal(example: SinkExample) -> None:
    with example.receiver() as receiver:

        async def through(sink: Sink) -> None:
            receiver.refuse_us()
            error = await _error(sink, deliveries(2))
            if not isinstance(error, Fatal):
                raise BrokenPromise(f"a receiver that refuses us gave {_name(error)}, not Fatal")

        _run(example, receiver, through)


def tells_no_secret(example: SinkExample) -> None:
    """Nothing of the settings' secrets, of an address beyond its host or of a body is logged, printed or in an error."""
    for trouble in ("none", "fail", "refuse_us", "refuse"):
        with example.receiver() as receiver, _overheard() as said:
            if trouble in ("fail", "refuse_us"):
                getattr(receiver, trouble)()
            events = deliveries(2)
            if trouble == "refuse":
                events[1] = receiver.refuse(events[1])

            async def through(sink: Sink, events: list[Delivery] = events) -> None:
                said.write(repr(sink))
                if (error := await _error(sink, events)) is not None:
                    said.write("".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)))

            _run(example, receiver, through)
            config = {**example.config, **receiver.settings}
            said.write(repr(read_config(example.name, config, folders=example.folders, kind="sink")))
            secrets = example.secrets(receiver)
        for secret in secrets:
            if secret in said.getvalue():
                what = "a body" if secret == PRIVATE else "a secret of the settings"
                raise BrokenPromise(f"{what} was told, in a log or an error (receiver's trouble: {trouble})")


def it_ends_when_cancelled(example: SinkExample) -> None:
    """A delivery that is cancelled ends at once, and the sink closes, also twice."""
    with example.receiver() as receiver:
        if hasattr(receiver, "hangs"):
            receiver.hangs = True

        async def through(sink: Sink) -> None:
            work = asyncio.ensure_future(sink.deliver(deliveries(2)))
            await asyncio.wait([work], timeout=0.1)
            work.cancel()
            await asyncio.wait([work], timeout=SHORT_S)
            if not work.done():
                raise BrokenPromise("a delivery that was cancelled goes on")
            await sink.close()

        _run(example, receiver, through)


@contextlib.contextmanager
def _overheard() -> Iterator[io.StringIO]:
    """All that is logged at any level, warned or printed meanwhile."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield said
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _run(example: SinkExample, receiver: Receiver, through: Callable[[Sink], Awaitable[None]]) -> None:
    async def run() -> None:
        sink = example.sink(receiver)
        try:
            await through(sink)
        finally:
            await asyncio.wait_for(sink.close(), SHORT_S)

    asyncio.run(run())


async def _of(sink: Sink, batches: Sequence[Sequence[Delivery]]) -> None:
    for batch in batches:
        await sink.deliver(batch)


async def _error(sink: Sink, events: Sequence[Delivery]) -> Exception | None:
    try:
        await sink.deliver(events)
    except Exception as error:
        return error
    return None


def _are(receiver: Receiver, events: Sequence[Delivery], what: str) -> None:
    """``BrokenPromise`` unless the receiver has exactly *events*, in order, by their ids."""
    wanted = [one.event_id for one in events]
    known = sorted({one.event_id for one in deliveries()})
    got = [next((name for name in known if name.encode() in body), "?") for body in receiver.received()]
    if got == wanted:
        return
    for one in wanted:
        if one not in got:
            raise BrokenPromise(f"{one} was not {what}, and deliver returned")
    raise BrokenPromise(f"{what}: {', '.join(got)}; it should be {', '.join(wanted)}")


def _name(error: Exception | None) -> str:
    return "no error" if error is None else type(error).__name__


EVERY: Mapping[str, Callable[[SinkExample], None]] = {
    "every setting is described, and no other is taken": settings_are_described,
    "all is delivered, in order, before deliver returns": delivers_all_in_order,
    "a repeat has the same id": a_repeat_has_the_same_id,
    "a failing receiver may heal, and its wish to wait is heeded": a_failing_receiver_may_heal,
    "a refused event is named, and costs no other": a_refused_event_is_named,
    "being refused is fatal": being_refused_is_fatal,
    "no secret and no body is told": tells_no_secret,
    "it ends when cancelled, and closes twice": it_ends_when_cancelled,
}
