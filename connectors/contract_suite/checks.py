"""The checks of the contract by name, in the order in which a report shows them, each with what to mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connectors.contract_suite import polling, reading
from connectors.contract_suite.example import Example
from connectors.discovery import config_model, source_module


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: *run* raises where an example's source breaks it; *mend* says what to look at then."""

    name: str
    run: Callable[[Example], None]
    mend: str


BODY = "in read, raise nothing: put the whole body into aside, and return the place as it was"
READ = (
    "read must depend on nothing but the bytes and the place: no clock, no chance, nothing kept in the source"
)

EVERY = (
    Check(
        "every setting is described, and no other is taken",
        reading.settings_are_described,
        'in Config, model_config = ConfigDict(extra="forbid") and Field(description=…) for each setting',
    ),
    Check(
        "its example says something, and all of it is understood",
        reading.says_something,
        "mend read, or the example's recording",
    ),
    Check(
        "every event keeps its contract",
        reading.keeps_its_contracts,
        "see schemas/topics/TOPIC for the fields, their types and the key",
    ),
    Check("the same heard again has the same ids", reading.same_ids_again, READ),
    Check("reading is pure", reading.reading_is_pure, READ),
    Check(
        "a place survives being written down",
        reading.place_survives_writing,
        "keep only JSON in the place (texts for keys), and all that read needs",
    ),
    Check("the first half and then the rest is all of it", reading.halves_are_the_whole, READ),
    *(
        Check(f"a broken body is kept whole: {name}", partial(reading.keeps_a_broken_body, body=body), BODY)
        for name, body in reading.BROKEN.items()
    ),
    Check("a failed poll changes nothing", reading.a_failed_poll_changes_nothing, BODY),
    Check(
        "half a body closes nothing",
        reading.half_a_body_closes_nothing,
        "what a cut list does not name has not ended: close only by a list that was read whole",
    ),
    Check(
        "no position is made of unknown",
        reading.no_place_of_unknown,
        "take position() of connectors/formats/records.py: null for 0, 0; outside the bounds is set aside",
    ),
)
OFFLINE = (
    Check(
        "what it polls is what it reads", reading.what_is_polled_is_read, "let poll return what read reads"
    ),
)
WEB = (
    Check(
        "a server's error may heal, and its wish to wait is heeded",
        polling.a_server_error_may_heal,
        "take WebPage of connectors/transport, or raise Retriable(…, retry_after_s=…)",
    ),
    Check(
        "being refused is fatal",
        polling.being_refused_is_fatal,
        "raise Fatal for 401 and 403, without the address's query",
    ),
    Check(
        "nobody there may heal", polling.nobody_there_may_heal, "raise Retriable where no connection is made"
    ),
    Check(
        "an unchanged list is asked for by its ETag, and heard whole",
        polling.an_unchanged_list_is_heard_whole,
        "take WebPage of connectors/transport, which keeps the body for 304",
    ),
    Check(
        "a cancelled poll hangs up",
        polling.cancelling_hangs_up,
        "let asyncio.CancelledError through, and close the connection",
    ),
)


def asks_the_web(example: Example) -> bool:
    """Whether the example's source polls an address that is a setting called ``url``."""
    fields = config_model(example.type, example.folders).model_fields
    return "url" in fields and hasattr(source_module(example.type, example.folders).SOURCE, "poll")


def checks_of(example: Example) -> tuple[Check, ...]:
    """The checks that an example's source must pass."""
    return (*EVERY, *(WEB if asks_the_web(example) else OFFLINE))
