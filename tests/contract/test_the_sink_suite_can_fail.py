"""The checks of the sinks' suite can fail: each planted sink breaks the promise that is named, and the good one none.

The good one is that of ``connectors/OWN.md``, in a folder of one's own.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.contract_suite.delivering import EVERY, SinkExample
from connectors.contract_suite.reading import BrokenPromise
from schemas.errors import Fatal

OWN = Path(__file__).resolve().parents[2] / "connectors" / "OWN.md"
LOOP = "for event in events:\n"
POST = "answer = await self._post.post(event.body, headers)\n"
REFUSED = "raise RefusedEvent(what, event_id=event.event_id)"
IDS = '"event-id": event.event_id'
ALL, REPEAT, HEALS, NAMED, REFUSES_US, SECRETS, ENDS = list(EVERY)[1:]

PRELUDE = """
import asyncio
import logging

seen = []

async def later(post, event, headers):
    await asyncio.sleep(1)
    await post.post(event.body, headers)
"""
PLANTED: dict[str, tuple[str, str, str]] = {
    "forgets an event": (LOOP, "for event in [one for one in events if not one.event_id.endswith('7')]:\n", ALL),
    "forgets the last": (LOOP, "for event in events[:-1]:\n", ALL),
    "reorders": (LOOP, "for event in reversed(events):\n", ALL),
    "reorders by situation": (LOOP, "for event in sorted(events, key=lambda one: one.key):\n", ALL),
    "changes the body": ("post(event.body,", "post(event.body.upper() + event.event_id.encode(),", ALL),
    "returns before it is safe": (
        POST,
        "seen.append(asyncio.create_task(later(self._post, event, headers))); continue\n",
        ALL,
    ),
    "a new id at a repeat": (
        POST,
        "body = event.body.replace(b'event-', b'again-%d-' % len(seen)); headers['event-id'] = 'x'\n"
        "            seen.append(body)\n"
        "            answer = await self._post.post(body, headers)\n",
        REPEAT,
    ),
    "swallows a failure": ("if answer.status >= 300:", "if answer.status >= 600:", HEALS),
    "does not heed the wish to wait": (", retry_after_s=answer.wait_s", "", HEALS),
    "does not raise on a refused event": (REFUSED, "continue", NAMED),
    "takes a refused event for a failure": (REFUSED, "raise Retriable(what)", NAMED),
    "names another event": ("event_id=event.event_id)", "event_id=events[0].event_id)", NAMED),
    "sends those behind a refused one": (
        REFUSED,
        "[await self._post.post(one.body, {}) for one in events[3:]]; " + REFUSED,
        NAMED,
    ),
    "tries for ever where it is refused": ('raise Fatal(f"', 'raise Retriable(f"', REFUSES_US),
    "leaks its key into a log": (
        POST,
        POST + "            logging.getLogger('our').debug('%s', headers)\n",
        SECRETS,
    ),
    "leaks its key into an error": (
        'raise Retriable(f"{self._post.name}',
        'raise Retriable(f"{self._token.get_secret_value()}',
        SECRETS,
    ),
    "leaks a body into an error": ('refuses event {event.event_id}"', 'refuses {event.body!r}"', SECRETS),
    # in a form that our errors do not hide by themselves
    "leaks the address into an error": (
        'f"{self._post.name} refuses us',
        "f\"{str(self._post._url).replace('=', ' ')} refuses us",
        SECRETS,
    ),
    "prints a body": (POST, POST + "            print(event)\n", SECRETS),
    "shows its key in repr": ("token: SecretStr = Field(default=SecretStr(\"\"),", 'token: str = Field("",', SECRETS),
    "shows the address in repr": ("repr=False, ", "", SECRETS),
    "goes on when cancelled": (
        POST,
        "answer = None\n"
        "            for _ in range(25):\n"
        "                try:\n"
        "                    answer = answer or await asyncio.wait_for(self._post.post(event.body, headers), 0.1)\n"
        "                except (asyncio.CancelledError, TimeoutError):\n"
        "                    pass\n",
        ENDS,
    ),
    "a setting without a description": (', description="the address of the desk\'s server"', "", next(iter(EVERY))),
    "takes any setting": ('extra="forbid", ', "", next(iter(EVERY))),
}  # fmt: skip


def the_good_one() -> str:
    (shown,) = re.findall(r"```python\n(.*?)```", OWN.read_text(encoding="utf-8"), re.DOTALL)
    return str(shown)


def example(folder: Path, text: str) -> SinkExample:
    (folder / "sinks").mkdir()
    (folder / "sinks" / "our_hook.py").write_text(text, encoding="utf-8")
    return SinkExample("our_hook", {"token": "whsec_invented-token"}, (folder,))


def test_the_sink_of_the_page_keeps_every_promise(tmp_path: Path) -> None:
    good = example(tmp_path, the_good_one())
    for promise in EVERY.values():
        promise(good)


@pytest.mark.parametrize("name", PLANTED)
def test_a_breach_is_caught(name: str, tmp_path: Path) -> None:
    old, new, promise = PLANTED[name]
    good = the_good_one()
    assert old in good
    text = good.replace(old, new).replace("import annotations\n", f"import annotations\n{PRELUDE}")
    if "SecretStr = Field" in old:
        text = text.replace("self._token.get_secret_value()", "self._token")
    with pytest.raises(BrokenPromise):
        EVERY[promise](example(tmp_path, text))


def test_a_sink_of_another_kind_is_asked_for_its_receiver(tmp_path: Path) -> None:
    text = the_good_one().replace("url", "topic").replace('pattern="^https?://", ', "")
    with pytest.raises(Fatal, match="needs a receiver"):
        EVERY[ALL](example(tmp_path, text))
