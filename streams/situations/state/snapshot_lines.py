"""A snapshot: all that the rules remember of a city, as lines from which the same state comes again. Pure.

The first line is a JSON object: the form, and the numbers in force. Each other line is a row of ``core.state`` as a JSON
list: its key, its kind, its body. Equal states give equal lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from schemas.errors import Fatal, Invalid
from streams.situations.memory import Memory
from streams.situations.rules.in_force import CityRules
from streams.situations.state.city import CityState
from streams.situations.state.rows import CAMERA, CLOCK, MEMORY, SHADOW, SITE, body_of, memory_body

FORM = 1
Held = tuple[str, str, Any]
"""The key and kind of a row, and the value object that it carries."""

_LINE = Decoder(tuple[str, str, Raw])


def lines_of(state: CityState) -> Iterator[bytes]:
    """The lines of *state* as it is at the call, whatever becomes of it before they are taken: value objects are replaced,
    never changed, so holding them is enough. Only taking a line encodes anything.
    """
    head = {"form": FORM, "rules": state.rules.canonical()}
    held = _held(state)
    if state.shadow is not None:
        held += [(SHADOW + key, kind, thing) for key, kind, thing in _held(state.shadow)]
    return _encoded(head, held)


def _held(state: CityState) -> list[Held]:
    cameras, sites = state.cameras.cameras, state.sites.sites
    held: list[Held] = [(CAMERA + one, "camera", cameras[one]) for one in sorted(cameras)]
    held += [(SITE + one, "site", sites[one]) for one in sorted(sites)]
    held += [(one, "situation", state.situations[one]) for one in sorted(state.situations)]
    held += [(MEMORY + one, "rule", state.memories[one]) for one in sorted(state.memories)]
    return [*held, (CLOCK, CLOCK, state.rules_clock())]


def _encoded(head: Mapping[str, Any], held: list[Held]) -> Iterator[bytes]:
    yield orjson.dumps(head, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    for key, kind, thing in held:
        body = memory_body(thing) if isinstance(thing, Memory) else body_of(thing)
        yield b'[%s,"%s",%s]\n' % (orjson.dumps(key), kind.encode(), body)


def state_of(text: bytes) -> CityState:
    """The state of which *text* is the lines. ``Fatal`` for a form of another version, ``Invalid`` for no lines of one."""
    first, _, rest = text.partition(b"\n")
    try:
        head = orjson.loads(first)
        if head["form"] != FORM:
            raise Fatal(f"a snapshot of form {head['form']}, not {FORM}", hint="run a newer version")
        rules = CityRules.model_validate(head["rules"])
        rows = [_LINE.decode(line) for line in rest.splitlines()]
        return CityState.from_records(
            rules, ((key, {"kind": kind, "body": bytes(raw)}) for key, kind, raw in rows)
        )
    except (ValidationError, DecodeError, ValueError, KeyError, TypeError) as error:
        raise Invalid("a snapshot that is none", field="body", expected="the lines of a state") from error
