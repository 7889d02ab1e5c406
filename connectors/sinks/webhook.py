"""Webhooks by the Standard Webhooks specification (standardwebhooks.com): one signed POST for each event.

``webhook-id`` is the event's id, the same at each try: by it the receiver knows a repeat. ``webhook-timestamp`` is the time
of the try, ``webhook-signature`` one signature per secret. While a secret is exchanged both sign. Any 2xx is a yes.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from standardwebhooks.webhooks import Webhook as Signer

from connectors.base import Delivery, RefusedEvent, SinkContext
from connectors.transport.guarded_post import Answer, GuardedPost, Resolver, resolve
from schemas.errors import Fatal, Retriable

REFUSES_EVENT = frozenset({400, 413, 422})
REFUSES_US = {
    401: "does not accept our signature",
    403: "does not let us in",
    404: "has nothing at the address",
    405: "takes no POST at the address",
    410: "is gone",
    415: "takes no events of this format",
}
SECRET_BYTES = range(24, 65)
"""Sizes that the specification allows."""
_ID = re.compile(r"[!-~]{1,256}")
"""Ids that a header can hold."""


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except binascii.Error:
        size = 0
    if not text.startswith("whsec_") or size not in SECRET_BYTES:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return value


class Config(BaseModel):
    """Settings of a sink of type ``webhook``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    url: str = Field(
        pattern="^https?://", max_length=2_000, repr=False, description="the address to which events are sent"
    )
    secrets: tuple[Annotated[SecretStr, AfterValidator(_secret)], ...] = Field(
        min_length=1,
        max_length=2,
        description="whsec_…, by which the receiver knows us; two while one is exchanged for the other",
    )


class Webhook:
    """Sink of one receiver. Subscribers may choose it: where it may send is the operator's word."""

    is_open = True

    def __init__(
        self,
        config: Config,
        context: SinkContext,
        *,
        resolver: Resolver = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._now_ms = context.now_ms
        self._signers = [Signer(one.get_secret_value()) for one in config.secrets]
        self._post = GuardedPost(
            config.url,
            allow_hosts=context.allow_hosts,
            now_ms=context.now_ms,
            resolver=resolver,
            trust=trust,
        )

    async def deliver(self, events: Sequence[Delivery]) -> None:
        for event in events:
            headers = self._headers(event)
            answer = await self._post.post(event.body, headers)
            check_answer(answer, self._post.name, event.event_id)

    async def close(self) -> None:
        await self._post.close()

    def _headers(self, event: Delivery) -> dict[str, str]:
        """The headers of one try. ``RefusedEvent`` where the event cannot be signed."""
        try:
            body = event.body.decode("utf-8")
        except UnicodeDecodeError:
            what = f"event {event.event_id} is no UTF-8, and cannot be signed"
            raise RefusedEvent(what, event_id=event.event_id) from None
        if not _ID.fullmatch(event.event_id):
            raise RefusedEvent("an event has an id that no header can hold", event_id=event.event_id)
        second = self._now_ms() // 1_000
        at = datetime.fromtimestamp(second, UTC)
        return {
            "content-type": event.media_type,
            "user-agent": "Bongsu",
            "webhook-id": event.event_id,
            "webhook-timestamp": str(second),
            "webhook-signature": " ".join(one.sign(event.event_id, at, body) for one in self._signers),
        }


def check_answer(answer: Answer, receiver: str, event_id: str) -> None:
    """Return where *answer* says yes; raise what it says otherwise, by RFC 9110 and the specification."""
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Fatal(
            f"{receiver} redirects ({status}), which is not followed",
            hint="set the subscription's url to the address that answers, and revive it",
        )
    if status in REFUSES_EVENT:
        raise RefusedEvent(f"{receiver} refuses event {event_id}: {status}", event_id=event_id)
    if (word := REFUSES_US.get(status)) is not None:
        raise Fatal(
            f"{receiver} {word}: {status}", hint="mend the subscription or the receiver, and revive it"
        )
    raise Retriable(f"{receiver} answered {status}", retry_after_s=answer.wait_s)


SINK = Webhook
