"""The sink webhook: its signatures verified by other hands, what each answer means, and its settings."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import time
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from connectors.base import RefusedEvent, SinkContext
from connectors.contract_suite.receivers import Post
from connectors.discovery import BadConfig, is_open_to_subscribers, load_sink
from connectors.sinks.webhook import check_answer
from connectors.transport.guarded_post import Answer
from schemas.errors import Fatal, Retriable
from tests.signed_deliveries import NEW, OLD, STRANGE, a_delivery, sent

NOW_MS = 1_800_000_000_789
CONTEXT = SinkContext("daejeon", "police", lambda: NOW_MS)
OPENSSL = ("/usr/bin/env", "openssl", "dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt")
URL = "https://hook.example/in?key=k3y"


def signed_text(asked: Post) -> bytes:
    head = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}."
    return head.encode() + asked.body


def key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def by_hand(secret: str, asked: Post) -> str:
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed_text(asked), hashlib.sha256)).decode()


def test_headers_and_body_are_those_of_the_specification() -> None:
    (asked,) = sent([NEW], a_delivery(), now_ms=lambda: NOW_MS)
    assert asked.path == "/hook?key=k3y-in-the-query"
    assert asked.body == a_delivery().body
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["webhook-id"] == "e-1"
    assert asked.headers["webhook-timestamp"] == "1800000000"
    assert asked.headers["webhook-signature"] == by_hand(NEW, asked)


def test_openssl_computes_the_same_signature() -> None:
    (asked,) = sent([NEW], a_delivery(), now_ms=lambda: NOW_MS)
    done = subprocess.run(
        [*OPENSSL, f"hexkey:{key_of(NEW).hex()}"],
        input=signed_text(asked),
        capture_output=True,
        check=True,
    )
    assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(done.stdout).decode()


def test_while_a_secret_is_exchanged_both_verify() -> None:
    (asked,) = sent([NEW, OLD], a_delivery(), now_ms=lambda: time.time_ns() // 1_000_000)
    assert asked.headers["webhook-signature"].split() == [by_hand(NEW, asked), by_hand(OLD, asked)]
    for secret in (NEW, OLD):
        assert Verifier(secret).verify(asked.body, dict(asked.headers))["id"] == "e-1"
    with pytest.raises(WebhookVerificationError):
        Verifier(STRANGE).verify(asked.body, dict(asked.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(NEW).verify(asked.body + b" ", dict(asked.headers))


def test_a_repeat_keeps_its_id_and_is_signed_anew() -> None:
    seconds = iter(range(1_000, 9_000_000, 60_000))
    first, again = sent([NEW], a_delivery(), a_delivery(), now_ms=lambda: next(seconds))
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert int(again.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    assert again.headers["webhook-signature"] == by_hand(NEW, again) != by_hand(NEW, first)


def test_cap_is_sent_as_cap() -> None:
    (asked,) = sent(
        [NEW], a_delivery(body="<alert>산불</alert>", media_type="application/cap+xml"), now_ms=lambda: NOW_MS
    )
    assert asked.headers["content-type"] == "application/cap+xml"
    assert asked.body.decode() == "<alert>산불</alert>"


@pytest.mark.parametrize("event_id", ["", "two words", "e-1\r\nx-evil: 1", "경보", "e" * 257])
def test_an_id_that_no_header_can_hold_is_refused(event_id: str) -> None:
    with pytest.raises(RefusedEvent) as refused:
        sent([NEW], a_delivery(event_id), now_ms=lambda: NOW_MS)
    assert refused.value.event_id == event_id


def meant_by(status: int) -> type[Exception] | None:
    try:
        check_answer(Answer(status, 7.0), "hook.example", "e-1")
    except (Retriable, RefusedEvent, Fatal) as error:
        assert str(status) in str(error)
        if isinstance(error, Retriable):
            assert error.retry_after_s == 7.0
        return type(error)
    return None


def test_every_answer_means_something() -> None:
    fatal = {*range(300, 400), 401, 403, 404, 405, 410, 415}
    refused = {400, 413, 422}
    for status in range(200, 600):
        wanted: type[Exception] | None = Retriable
        if status < 300:
            wanted = None
        elif status in fatal:
            wanted = Fatal
        elif status in refused:
            wanted = RefusedEvent
        assert meant_by(status) is wanted, status


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"secrets": [NEW]}, "url: is missing"),
        ({"url": URL}, "secrets: is missing"),
        ({"url": URL, "secrets": []}, "secrets: must have at least 1 entry"),
        ({"url": URL, "secrets": [NEW, OLD, STRANGE]}, "secrets: must have at most 2 entries"),
        ({"url": "ftp://hook.example/", "secrets": [NEW]}, "url: must begin with"),
        *(
            ({"url": URL, "secrets": [bad]}, "must be whsec_ and 24 to 64 bytes in base64")
            for bad in (
                "whsec_c2hvcnQ=",
                NEW.removeprefix("whsec_"),
                "whsec_s3cret!" * 9,
                "whsec_" + "YWFh" * 30,
            )
        ),
        ({"url": URL, "secrets": [NEW], "allow_hosts": ["localhost"]}, "allow_hosts: no such setting"),
    ],
)
def test_wrong_settings_are_named_without_their_values(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(BadConfig, match=what) as error:
        load_sink("webhook", settings, CONTEXT)
    told = repr(error.value) + repr(error.value.problems)
    assert "k3y" not in told
    assert not any(one.removeprefix("whsec_") in told for one in settings.get("secrets", []))


def test_a_subscriber_may_choose_it_and_not_where_it_may_send() -> None:
    assert is_open_to_subscribers("webhook")
    for url in ("http://hook.example/", "https://127.0.0.1/", "https://user:pass@hook.example/"):
        with pytest.raises(Fatal):
            load_sink("webhook", {"url": url, "secrets": [NEW]}, CONTEXT)
