"""An MQTT client with a real broker: processed messages are acknowledged, and the others are delivered again."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from paho.mqtt import publish

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.formats.retained import REPEATED
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Fatal, Retriable
from tests.a_broker import PASSWORD, USER, Broker, a_broker, a_certificate, a_password_file
from tests.contract.an_example import example_of

HERE = SourceContext("springfield", "porch", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
WAIT_S = 10


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with a_broker(tmp_path) as running:
        yield running


def settings(broker: Broker, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": broker.port, "topics": ["porch/#"], **more}


def a_listener(broker: Broker, **more: Any) -> MqttListener:
    return MqttListener(HERE, MqttSettings.model_validate(settings(broker, **more)))


def payloads(heard: Heard) -> list[str]:
    return [orjson.loads(line)["payload"] for line in heard.body.splitlines()]


async def next_of(speech: AsyncIterator[Heard]) -> Heard:
    async with asyncio.timeout(WAIT_S):
        return await anext(speech)


async def hear(listener: MqttListener, count: int) -> list[str]:
    """Receive at least *count* messages, all acknowledged."""
    said: list[str] = []
    speech = listener.listen()
    async for heard in speech:
        said += payloads(heard)
        if len(said) >= count:
            break
    await acknowledge(speech)
    await listener.close()
    return said


async def acknowledge(speech: AsyncIterator[Heard]) -> None:
    """Acknowledge the last message, by a call for the next one."""
    task = asyncio.ensure_future(anext(speech))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=WAIT_S)


async def introduce(listener: MqttListener, broker: Broker) -> None:
    """Create a session at the broker: it then keeps messages while the client is away."""
    listening = asyncio.create_task(hear(listener, 1))
    while not listening.done():
        await asyncio.to_thread(broker.publish, ("porch/hello", b"hello"))
        await asyncio.wait([listening], timeout=0.1)
    await listening


def without_hello(said: list[str]) -> list[str]:
    return [one for one in said if one != "hello"]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_is_said_while_nobody_listens_is_heard_later_and_in_order(broker: Broker, version: str) -> None:
    async def story() -> list[str]:
        await introduce(a_listener(broker, version=version), broker)
        await asyncio.to_thread(broker.publish, *(("porch/cam", str(n).encode()) for n in range(200)))
        return await hear(a_listener(broker, version=version), 200)

    assert without_hello(asyncio.run(story())) == [str(n) for n in range(200)]


def test_what_was_not_taken_comes_again_and_what_was_does_not(broker: Broker) -> None:
    async def story() -> tuple[list[str], list[str]]:
        await introduce(a_listener(broker), broker)
        await asyncio.to_thread(broker.publish, ("porch/cam", b"taken"))
        first = await hear(a_listener(broker), 1)
        assert "taken" in first
        await asyncio.to_thread(broker.publish, ("porch/cam", b"not taken"))
        dropped = a_listener(broker)
        seen = payloads(await next_of(dropped.listen()))
        await dropped.close()  # the worker dies before it asks for the next
        return seen, await hear(a_listener(broker), 1)

    seen, again = asyncio.run(story())
    assert without_hello(seen) == ["not taken"]
    assert without_hello(again) == ["not taken"]


def test_a_thousand_messages_are_heard_once_each_and_time_does_not_stand_still(broker: Broker) -> None:
    async def story() -> list[Heard]:
        listener = a_listener(broker)
        await introduce(a_listener(broker), broker)
        await asyncio.to_thread(broker.publish, *(("porch/cam", str(n).encode()) for n in range(1000)))
        found: list[Heard] = []
        async for heard in listener.listen():
            found.append(heard)
            if "999" in payloads(heard):
                break
        await listener.close()
        return found

    found = asyncio.run(story())
    assert without_hello([one for heard in found for one in payloads(heard)]) == [str(n) for n in range(1000)]
    times = [heard.at_ms or 0 for heard in found]
    assert times == sorted(set(times)), "no two at one moment: the same moment is heard only once"


def test_a_broker_that_dies_may_heal(broker: Broker) -> None:
    async def story() -> list[str]:
        listener = a_listener(broker)
        speech = listener.listen()
        listening = asyncio.ensure_future(anext(speech))
        while not listening.done():
            await asyncio.to_thread(broker.publish, ("porch/hello", b"hello"))
            await asyncio.wait([listening], timeout=0.1)
        broker.stop()
        with pytest.raises(Retriable, match="porch"):
            while True:
                await next_of(speech)
        with pytest.raises(Retriable):
            await next_of(listener.listen())
        broker.start()
        await introduce(listener, broker)
        await asyncio.to_thread(broker.publish, ("porch/cam", b"back"))
        return await hear(listener, 1)

    assert "back" in asyncio.run(story())


def test_a_wrong_password_is_fatal_and_stays_secret(tmp_path: Path) -> None:
    rules = f"allow_anonymous false\npassword_file {a_password_file(tmp_path)}"
    with a_broker(tmp_path, rules) as broker:
        for version in ("5", "3.1.1"):
            listener = a_listener(broker, username=USER, password=f"{PASSWORD}!", version=version)
            with pytest.raises(Fatal) as caught:
                asyncio.run(next_of(listener.listen()))
            assert PASSWORD not in str(caught.value)

        async def story() -> list[str]:
            listener = a_listener(broker, username=USER, password=PASSWORD)
            listening = asyncio.create_task(hear(listener, 1))
            while not listening.done():
                who = {"auth": {"username": USER, "password": PASSWORD}}
                await asyncio.to_thread(broker.publish, ("porch/cam", b"let in"), **who)
                await asyncio.wait([listening], timeout=0.1)
            return await listening

        assert "let in" in asyncio.run(story())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # paho leaves a failed socket to the garbage collector
def test_tls_speaks_to_who_it_trusts_and_to_nobody_else(tmp_path: Path) -> None:
    certificate, key = a_certificate(tmp_path)
    with a_broker(tmp_path, f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}") as broker:
        with pytest.raises(Retriable, match="SSL"):
            asyncio.run(next_of(a_listener(broker, tls=True).listen()))
        gc.collect()

        async def story() -> list[str]:
            listening = asyncio.create_task(hear(a_listener(broker, tls=True, ca_file=str(certificate)), 1))
            while not listening.done():
                await asyncio.to_thread(
                    broker.publish, ("porch/cam", b"in private"), tls={"ca_certs": str(certificate)}
                )
                await asyncio.wait([listening], timeout=0.1)
            return await listening

        assert "in private" in asyncio.run(story())


async def start_and_read(
    broker: Broker, place: Any, wanted: list[bytes], **more: Any
) -> tuple[list[bytes], list[Any], Any]:
    """One start of a source until it has heard all *wanted*: lines, readings, its place then."""
    source: Any = example_of("nvidia_deepstream").source(mqtt=settings(broker, **more))
    speech = source.listen()
    lines: list[bytes] = []
    readings: list[Any] = []
    while not all(one in b"".join(lines) for one in wanted):
        hearing = asyncio.ensure_future(anext(speech))
        while not hearing.done():
            await asyncio.to_thread(broker.publish, (wanted[0].decode(), b""))
            await asyncio.wait([hearing], timeout=0.1)
        heard = await hearing
        lines += heard.body.splitlines()
        readings.append(source.read(heard, place))
        place = readings[-1].place
    await acknowledge(speech)
    await source.close()
    return lines, readings, place


@pytest.mark.parametrize(
    ("more", "is_sent_again"),
    [
        ({"version": "3.1.1"}, True),
        ({"version": "5"}, False),
        ({"version": "5", "session_expiry_s": 0}, True),
        ({"version": "5", "qos": 0}, True),
    ],
)
def test_a_retained_message_is_news_at_the_first_start_alone(
    broker: Broker, more: dict[str, Any], is_sent_again: bool
) -> None:
    """By 3.1.1 the broker sends it at each start, by 5 if the subscription is new: it is published once."""
    message = next(
        body
        for heard in example_of("nvidia_deepstream").heard()
        for body in heard.body.splitlines()
        if example_of("nvidia_deepstream").source().read(Heard(body, heard.at_ms), {}).events
    )
    publish.single("porch/cam", message, qos=1, retain=True, hostname="127.0.0.1", port=broker.port)

    async def story() -> list[tuple[list[bytes], list[Any]]]:
        starts: list[tuple[list[bytes], list[Any]]] = []
        place: Any = {}
        for number in range(3):
            retained = [b'"retain":true'] if number == 0 or is_sent_again else []
            wanted = [f"porch/bye{number}".encode(), *retained]
            lines, readings, place = await start_and_read(broker, place, wanted, **more)
            starts.append((lines, readings))
        return starts

    async def in_time() -> list[tuple[list[bytes], list[Any]]]:
        async with asyncio.timeout(3 * WAIT_S):
            return await story()

    for number, (lines, readings) in enumerate(asyncio.run(in_time())):
        sent = [line for line in lines if b'"retain":true' in line]
        published = [event for reading in readings for event in reading.events]
        repeated = sum(reading.skipped.get(REPEATED, 0) for reading in readings)
        is_sent = number == 0 or is_sent_again
        assert bool(sent) == is_sent
        assert len(published) == int(number == 0)
        assert repeated == len(sent) - len(published)


def test_a_source_without_mqtt_says_so() -> None:
    with pytest.raises(Fatal, match="mqtt"):
        asyncio.run(next_of(load_source("frigate_events", HERE, {}).listen()))  # type: ignore[union-attr]  # it listens


def test_a_listener_that_is_cancelled_hangs_up(broker: Broker) -> None:
    async def story() -> None:
        listening = asyncio.ensure_future(anext(a_listener(broker).listen()))
        await asyncio.wait([listening], timeout=0.3)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(WAIT_S):
                await listening

    asyncio.run(story())


@pytest.mark.parametrize(
    "name", ["frigate_events", "nvidia_deepstream", "axis_scene_description", "onvif_metadata", "axis_plates"]
)
def test_every_source_of_detections_reads_what_the_broker_brings(broker: Broker, name: str) -> None:
    """The example's messages, each by itself: the same events except for camera and received time."""
    example = example_of(name)
    bodies = [heard.body for heard in example.heard()]
    sent = [line for body in bodies for line in (body.splitlines() if body[:1] == b"{" else [body])]
    messages = [
        (said["topic"], said["payload"].encode())
        if b'"payload"' in one and (said := orjson.loads(one))
        else ("porch/cam", one)
        for one in sent
    ]
    topics = sorted({"porch/#", *(topic for topic, _ in messages if not topic.startswith("porch/"))})
    source: Any = example.source(mqtt=settings(broker, topics=topics))

    async def story() -> list[Any]:
        found: list[Any] = []
        place: Any = {}
        speech = source.listen()
        listening = asyncio.ensure_future(anext(speech))
        while not listening.done():
            await asyncio.to_thread(broker.publish, ("porch/hello", b""))
            await asyncio.wait([listening], timeout=0.1)
        heard = await listening
        await asyncio.to_thread(broker.publish, *messages, ("porch/bye", b""))
        while b"porch/bye" not in heard.body:
            heard = await next_of(speech)
            reading = source.read(heard, place)
            assert not reading.aside
            place = reading.place
            found += reading.events
        await source.close()
        return found

    found = asyncio.run(story())
    plain = [event for heard in example.heard() for event in example.source().read(heard, {}).events]
    said = [(event.topic, event.value["track_id"]) for event in found]
    if name == "onvif_metadata":
        assert said[: len(plain)] == [(event.topic, event.value["track_id"]) for event in plain]
        assert found[-1].value["ended"], "the empty payload"
    else:
        assert said == [(event.topic, event.value["track_id"]) for event in plain]
