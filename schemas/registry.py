"""The schema registry's client: ids to write with, schemas to read with. Works with any registry of Confluent's API."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.catalogue import Contract, Schema
from schemas.errors import Fatal, Invalid, Unreachable
from schemas.hidden_secrets import place_shown
from schemas.printable import printable_line
from schemas.registry_url import AUTHORITY, split_authority

SUBJECT_UNKNOWN, VERSION_UNKNOWN, SCHEMA_UNKNOWN, SETTING_UNKNOWN = 40401, 40402, 40403, 40408
UNKNOWN = (SUBJECT_UNKNOWN, VERSION_UNKNOWN, SCHEMA_UNKNOWN, SETTING_UNKNOWN)
FORBIDDEN = (401, 403)
REFUSED = (409, 422)
UNKNOWN_S, UNKNOWN_MAX = 5.0, 1_000
"""An id that the registry does not know is not asked for again so soon; so many are remembered, the newest."""
HINT = "start it with: bongsu up (or set BONGSU_REGISTRY to one that runs)"

REFUSED_HINT = (
    "'bongsu schemas check' says which change is not compatible, 'bongsu schemas diff' what is there; "
    "if it is another's schema, delete that subject from the registry, then start again"
)
REASON_LETTERS_MAX = 300

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Registered:
    """A topic's subject in the registry. *compatibility* is ``None`` where the registry's default applies."""

    compatibility: str | None
    versions: tuple[Schema, ...]


class Registry:
    """A registry at *url*. Answers are cached without expiry: a schema never changes under its id. An id that the registry
    does not have is cached for ``UNKNOWN_S``: a thousand records of it are one request. *now_s*: a monotonic clock.

    Every method raises ``Unreachable`` when the registry does not answer, ``Fatal`` when it refuses us.
    """

    def __init__(self, url: str, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._now_s = now_s
        try:
            self._client = SchemaRegistryClient(
                {"timeout": 5, "max.retries": 1, "retries.wait.ms": 200} | _reached(url)
            )
        except OSError as error:
            raise Fatal(
                f"the authority that the registry's place {self._place()} names cannot be read: {error.strerror}",
                hint=f"correct {AUTHORITY} in its URL",
            ) from error
        except (ValueError, TypeError):
            raise Fatal(f"the registry's place {self._place()} is no URL", hint=HINT) from None
        weakref.finalize(self, self._client.__exit__, None, None, None)  # its connections end with us
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, Schema] = {}
        self._unknown_until_s: dict[int, float] = {}
        self._versions: dict[tuple[str, int], int | None] = {}

    def close(self) -> None:
        """Close the connections. The cache stays."""
        self._client.close()

    def knows(self, topic: str, contract: Contract) -> bool:
        """Whether ``id_of`` would answer without a request."""
        return (topic, contract.name) in self._ids

    def id_of(self, topic: str, contract: Contract) -> int:
        """The id of the newest version of *contract* under ``<topic>-value``, registered where it is not yet."""
        key = (topic, contract.name)
        if key not in self._ids:
            known = self._known_id(subject_of(topic), contract.newest)
            self._ids[key] = known if known is not None else self.register(topic, contract)
        return self._ids[key]

    def register(self, topic: str, contract: Contract) -> int:
        """Register every version of *contract* in order, so that the version numbers agree; return the id of the newest.

        Idempotent. ``Fatal`` when the registry finds a version incompatible with what it holds.
        """
        subject = subject_of(topic)
        self._demand(subject, contract.compatibility)
        schema_id = 0
        for version in contract.versions:
            schema_id = self._register_one(subject, _as_registered(version))
            self._unknown_until_s.pop(schema_id, None)
        return schema_id

    def _demand(self, subject: str, level: str) -> None:
        """Set the subject's compatibility. A refusal is no error if another process set the same level at that moment."""
        try:
            self._ask(lambda: self._client.set_compatibility(subject, level=level), subject)
        except Unreachable:
            raise
        except Fatal:
            if self._known(lambda: str(self._client.get_compatibility(subject)), subject) != level:
                raise

    def registered(self, topic: str) -> Registered | None:
        """The subject of *topic* as the registry has it now; ``None`` when there is no such subject."""
        subject = subject_of(topic)
        numbers = self._known(lambda: self._client.get_versions(subject), subject)
        if numbers is None:
            return None
        return Registered(
            self._known(lambda: str(self._client.get_compatibility(subject)), subject),
            tuple(self._version(subject, number) for number in sorted(numbers)),
        )

    def forget(self, topic: str) -> None:
        """Delete all versions of *topic* in the registry; do nothing when there is no such subject."""
        subject = subject_of(topic)
        for is_permanent in (False, True):  # a registry removes for good only what it has removed before
            self._known(partial(self._client.delete_subject, subject, permanent=is_permanent), subject)
        self._ids = {known: schema_id for known, schema_id in self._ids.items() if known[0] != topic}
        self._versions = {known: number for known, number in self._versions.items() if known[0] != subject}

    def schema_of(self, schema_id: int) -> Schema:
        """The schema of that id. ``Invalid`` when the registry has none, or it is no Avro schema."""
        if schema_id not in self._schemas:
            what = f"schema id {schema_id}"
            found = None
            if self._now_s() >= self._unknown_until_s.get(schema_id, 0.0):
                found = self._known(lambda: self._client.get_schema(schema_id), what)
                self._remember(schema_id, is_known=found is not None)
            if found is None:
                raise Invalid(
                    f"the registry knows no {what}", field="schema id", expected="a registered schema"
                )
            self._schemas[schema_id] = _as_avro(found, what)
        return self._schemas[schema_id]

    def _remember(self, schema_id: int, *, is_known: bool) -> None:
        """Whether it is known, as the registry has just said. Threads share it: each step is whole by itself."""
        self._unknown_until_s.pop(schema_id, None)
        if not is_known:
            self._unknown_until_s[schema_id] = self._now_s() + UNKNOWN_S
            for oldest in list(self._unknown_until_s)[:-UNKNOWN_MAX]:
                self._unknown_until_s.pop(oldest, None)

    def version_of(self, subject: str, schema_id: int) -> int | None:
        """The version number of *schema_id* within *subject*; ``None`` when the subject does not have it."""
        key = (subject, schema_id)
        if key not in self._versions:
            schema = _as_registered(self.schema_of(schema_id))
            found = self._known(lambda: self._client.lookup_schema(subject, schema), subject)
            self._versions[key] = found.version if found is not None else None
        return self._versions[key]

    def _register_one(self, subject: str, schema: RegistrySchema) -> int:
        return self._ask(lambda: int(self._client.register_schema(subject, schema)), subject)

    def _known_id(self, subject: str, schema: Schema) -> int | None:
        found = self._known(lambda: self._client.lookup_schema(subject, _as_registered(schema)), subject)
        return int(found.schema_id) if found is not None else None

    def _version(self, subject: str, number: int) -> Schema:
        found = self._ask(lambda: self._client.get_version(subject, number), subject)
        return _as_avro(found.schema, f"version {number} of {subject}")

    def _known(self, question: Callable[[], Answer], what: str) -> Answer | None:
        """The answer, or ``None`` when the registry answers "not found"."""
        try:
            return self._ask(question, what)
        except _UnknownThere:
            return None

    def _ask(self, question: Callable[[], Answer], what: str) -> Answer:
        try:
            return question()
        except SchemaRegistryError as error:
            raise self._refusal(error, what) from error
        except (
            Exception
        ) as error:  # the client lets its HTTP library's errors through, and that is not always the same
            raise Unreachable(
                f"the registry at {self._place()} does not answer ({type(error).__name__})", hint=HINT
            ) from error

    def _refusal(self, error: SchemaRegistryError, what: str) -> Fatal:
        status = error.http_status_code
        if error.error_code in UNKNOWN:
            return _UnknownThere(f"the registry knows no {what}")
        if status in REFUSED:
            why = printable_line(str(error.error_message))[:REASON_LETTERS_MAX]
            return Fatal(f"the registry refuses {what}: {why}", hint=REFUSED_HINT)
        if status in FORBIDDEN:
            return Fatal(
                f"the registry at {self._place()} does not let us in ({status})", hint="correct its password"
            )
        return Unreachable(f"no registry answers at {self._place()} (HTTP {status})", hint=HINT)

    def _place(self) -> str:
        """The URL as it may be shown."""
        return place_shown(self.url)


def _reached(url: str) -> dict[str, Any]:
    """The client's settings by which it gets there. Plain HTTP presents no certificate: without the list of authorities
    each command is 25 ms faster."""
    place, authority = split_authority(url)
    if urlsplit(place).scheme == "http":
        return {"url": place, "ssl.ca.location": False}
    return {"url": place} | ({"ssl.ca.location": authority} if authority else {})


class _UnknownThere(Fatal):
    """The registry answered that it has no such subject, version or id."""


def subject_of(topic: str) -> str:
    """The registry's name for the values of *topic*."""
    return f"{topic}-value"


def _as_registered(schema: Schema) -> RegistrySchema:
    return RegistrySchema(json.dumps(schema, ensure_ascii=False), "AVRO")


def _as_avro(found: Any, what: str) -> Schema:
    if found.schema_type != "AVRO" or found.references:
        raise Invalid(f"{what} is not a whole Avro schema", field="schema id", expected="an Avro schema")
    schema: Schema = json.loads(found.schema_str)
    if not isinstance(schema, dict):
        raise Invalid(f"{what} is no record", field="schema id", expected="a record's schema")
    return schema
