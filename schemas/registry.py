"""The schema registry: ids for what we write, schemas for what we read. Any that speaks Confluent's API."""

from __future__ import annotations

import json
from typing import Any

import httpx
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.catalogue import Contract, Schema
from schemas.errors import Fatal, Invalid, Unreachable

NOT_FOUND = 404
CONFLICTS = {409, 422}
HINT = "start it with: bongsu up (or set BONGSU_REGISTRY to one that runs)"


class Registry:
    """A registry at *url*. What was asked once is remembered: a schema never changes under its id."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = SchemaRegistryClient({"url": url, "timeout": 5, "max.retries": 1})
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, Schema] = {}
        self._versions: dict[tuple[str, int], int | None] = {}

    def id_of(self, topic: str, contract: Contract) -> int:
        """The id of the newest version of *contract* under ``<topic>-value``, registered where it is not yet.

        ``Fatal`` when the registry refuses it as incompatible.
        """
        key = (topic, contract.name)
        if key not in self._ids:
            subject = subject_of(topic)
            schema = RegistrySchema(json.dumps(contract.newest), "AVRO")
            self._ids[key] = self._ask(lambda: int(self._client.register_schema(subject, schema)), subject)
            self._ask(lambda: self._client.set_compatibility(subject, level=contract.compatibility), subject)
        return self._ids[key]

    def schema_of(self, schema_id: int) -> Schema:
        """The schema of that id. ``Invalid`` when the registry knows none."""
        if schema_id not in self._schemas:
            found = self._ask(lambda: self._client.get_schema(schema_id), f"schema id {schema_id}")
            self._schemas[schema_id] = json.loads(found.schema_str)
        return self._schemas[schema_id]

    def version_of(self, subject: str, schema_id: int) -> int | None:
        """The version that *schema_id* is within *subject*; ``None`` when it is none of its."""
        key = (subject, schema_id)
        if key not in self._versions:
            schema = RegistrySchema(json.dumps(self.schema_of(schema_id)), "AVRO")
            try:
                found = self._ask(lambda: self._client.lookup_schema(subject, schema), subject)
                self._versions[key] = found.version
            except Invalid:
                self._versions[key] = None
        return self._versions[key]

    def _ask(self, question: Any, what: str) -> Any:
        try:
            return question()
        except SchemaRegistryError as error:
            if error.http_status_code == NOT_FOUND:
                raise Invalid(
                    f"the registry knows no {what}", field="schema id", expected="a registered schema"
                ) from error
            if error.http_status_code in CONFLICTS:
                raise Fatal(
                    f"the registry refuses {what}: {error.error_message}",
                    hint="'bongsu schemas check' says which change is not compatible",
                ) from error
            raise Unreachable(
                f"the registry at {self.url} fails ({error.http_status_code})", hint=HINT
            ) from error
        except httpx.HTTPError as error:
            raise Unreachable(f"the registry at {self.url} does not answer", hint=HINT) from error


def subject_of(topic: str) -> str:
    """The registry's name for the values of *topic*."""
    return f"{topic}-value"
