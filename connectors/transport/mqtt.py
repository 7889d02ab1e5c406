"""MQTT for sources: a persistent session at the city's broker.

The promise: a message of QoS 1 is acknowledged only when the caller of ``listen`` asks for the next one, which it does
after the last was taken (published with its place, or set aside). If the worker dies before, the broker sends it again,
and its events have the ids they had. A message of QoS 0 may be lost. The session outlives us (in MQTT 5 for
``session_expiry_s``); what is published meanwhile is kept by the broker, as far as its own limits go (mosquitto:
``max_queued_messages``, 1,000).

A retained message is marked as such in its line: the broker sends it at each new subscription, and ``formats.retained``
leaves out what was published before. In MQTT 5 it is asked for only if the subscription is new.

Waiting messages are taken together, up to ``BATCH_MAX`` a ``Heard``, each a line of ``messages.enveloped``. A broker
sends only so many before it wants an acknowledgement (mosquitto: ``max_inflight_messages``, 20): raise that for speed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.base import Heard, SourceContext
from connectors.formats.messages import enveloped
from connectors.formats.retained import BY_MQTT
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import BongsuError, Fatal, Retriable

BATCH_MAX = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
WAITING_MAX = 2_000
"""The most messages held that were not yet taken; beyond it we stop reading from the broker, which then keeps the rest."""
CONNECT_S_MAX = 10.0
REFUSED = frozenset({132, 133, 134, 135, 138, 140})
"""Reason codes that asking again will not mend: protocol, client id, password, authorisation, ban, method."""


class MqttSettings(BaseModel):
    """The broker, the topics and the session."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="the broker")
    port: int = Field(1883, ge=1, le=65535, description="its port; 8883 is usual with tls")
    topics: tuple[str, ...] = Field(min_length=1, description="topics to listen to; + and # as MQTT has them")
    username: str | None = Field(None, description="for the broker")
    password: SecretStr | None = Field(None, description="for the broker: write ${NAME} of a secret")
    qos: Literal[0, 1] = Field(1, description="1: at least once; 0: at most once")
    client_id: str | None = Field(
        None, min_length=1, description="names the session; none: bongsu-<city>-<source>"
    )
    version: Literal["3.1.1", "5"] = Field(
        "3.1.1", description="of the protocol; 3.1.1 takes half the processor time a message"
    )
    session_expiry_s: int = Field(
        86_400,
        ge=0,
        le=2**32 - 2,
        description="how long the broker keeps our session while we are away; with version 5 alone",
    )
    keepalive_s: int = Field(30, ge=5, le=3600, description="seconds of silence before either asks the other")
    tls: bool = Field(False, description="speak TLS, and check the broker's certificate")
    ca_file: Path | None = Field(None, description="whose certificates to trust with tls; none: the system's")

    @model_validator(mode="after")
    def _expiry(self) -> Self:
        if self.version != "5" and "session_expiry_s" in self.model_fields_set:
            raise ValueError('session_expiry_s: by 3.1.1 the broker decides; set version = "5" beside it')
        return self


class MqttListener:
    """The messages of one source's topics. One ``listen`` at a time."""

    def __init__(
        self,
        context: SourceContext,
        settings: MqttSettings | None,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._who = f"source {context.source!r}"
        self._settings = settings
        self._client_id = (settings and settings.client_id) or f"bongsu-{context.city}-{context.source}"
        self._now_ms = now_ms
        self._said_ms = 0
        self._session: _Session | None = None

    async def listen(self) -> AsyncIterator[Heard]:
        """Messages of the broker, until it disconnects (``Retriable``) or refuses us (``Fatal``)."""
        if self._settings is None:
            raise Fatal(
                f"{self._who} has no mqtt",
                hint="set mqtt under its [[source]], or live = false if it is only played or pushed",
            )
        session = self._session = _Session(self._who, self._client_id, self._settings)
        try:
            await session.open()
            while True:
                messages = await session.next_ones()
                self._said_ms = max(self._now_ms(), self._said_ms + 1)
                body = b"\n".join(map(_line, messages))
                yield Heard(body, self._said_ms, attributes={"by": BY_MQTT})
                session.taken(messages)
        finally:
            await session.close()

    async def close(self) -> None:
        """Disconnect, whether or not somebody listens. The broker sends again what was not taken."""
        if self._session is not None:
            await self._session.close()


def _line(message: paho.MQTTMessage) -> bytes:
    return enveloped(message.topic, bytes(message.payload), is_retained=bool(message.retain))


class _Session:
    """One connection. The library's thread fills ``_inbox``; everything else happens in the loop."""

    def __init__(self, who: str, client_id: str, settings: MqttSettings) -> None:
        self._who = who
        self._settings = settings
        self._inbox: asyncio.Queue[paho.MQTTMessage | BongsuError] = asyncio.Queue()
        self._room = threading.Semaphore(WAITING_MAX)
        self._end: BongsuError | None = None
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._client = self._made(client_id)

    def _made(self, client_id: str) -> paho.Client:
        s = self._settings
        is_5 = s.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if is_5 else False,
            protocol=paho.MQTTv5 if is_5 else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if s.username is not None:
            client.username_pw_set(s.username, s.password.get_secret_value() if s.password else None)
        if s.tls:
            context = ssl.create_default_context(cafile=None if s.ca_file is None else str(s.ca_file))
            client.tls_set_context(context)
        client.connect_timeout = CONNECT_S_MAX
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect
        return client

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._connect)
        except (OSError, ValueError) as error:
            raise Retriable(f"{self._who}: the MQTT broker does not answer: {type(error).__name__}") from None
        self._client.loop_start()

    def _connect(self) -> None:
        s = self._settings
        if s.version != "5":
            self._client.connect(s.host, s.port, s.keepalive_s)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = s.session_expiry_s
        properties.ReceiveMaximum = min(WAITING_MAX, 65_535)
        self._client.connect(s.host, s.port, s.keepalive_s, clean_start=False, properties=properties)

    async def next_ones(self) -> list[paho.MQTTMessage]:
        """The waiting messages, at least one."""
        found: list[paho.MQTTMessage] = []
        size = 0
        while not found or (not self._inbox.empty() and len(found) < BATCH_MAX and size < BATCH_BYTES_MAX):
            one = await self._inbox.get()
            if self._end is not None:  # what was not taken comes again
                raise self._end
            if isinstance(one, paho.MQTTMessage):
                found.append(one)
                size += len(one.payload)
        return found

    def taken(self, messages: list[paho.MQTTMessage]) -> None:
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)
            self._room.release()

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    # From here on: the library's thread.

    def _put(self, one: paho.MQTTMessage | BongsuError) -> None:
        if isinstance(one, BongsuError):
            self._end = self._end or one
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, one)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self._put(self._refusal("the MQTT broker refuses the connection", reason))
            return
        topics, qos = self._settings.topics, self._settings.qos
        if self._settings.version == "5":
            # of QoS 0 the broker keeps nothing while we are away but what is retained: then each start needs it
            when = (
                SubscribeOptions.RETAIN_SEND_IF_NEW_SUB if qos else SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            )
            options = SubscribeOptions(qos=qos, retainHandling=when)
            client.subscribe([(topic, options) for topic in topics])
            return
        client.subscribe([(topic, int(qos)) for topic in topics])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _props: Any) -> None:
        for topic, reason in zip(self._settings.topics, reasons, strict=False):
            if reason.is_failure:
                self._put(Fatal(f"{self._who}: the MQTT broker refuses topic {topic!r}: {reason}"))

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        while not self._is_closed:
            if self._room.acquire(timeout=0.2):
                self._put(message)
                return

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        self._put(self._refusal("the connection to the MQTT broker ended", reason))

    def _refusal(self, what: str, reason: Any) -> BongsuError:
        if reason.value in REFUSED:
            return Fatal(
                f"{self._who}: {what}: {reason}", hint="check username, password and client_id under mqtt"
            )
        return Retriable(f"{self._who}: {what}: {reason}")
