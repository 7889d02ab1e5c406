"""The descriptions of the routes of missing persons' cases for OpenAPI, and the parameters of their lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from connectors.gateway.body_documents import body_problems
from connectors.gateway.log_lists import state_among
from connectors.gateway.parameters import LIMITED, Parameter
from connectors.gateway.read_documents import problems
from connectors.gateway.security_documents import BY_EITHER

CASE_STATES = ("open", "closed", "refused")
CANDIDATE_STATES = ("open", "confirmed", "rejected", "unsure", "parted")


def _states(words: tuple[str, ...], about: str) -> Parameter:
    about = f"{about}; may come several times. Without it: open."
    return state_among(words, about, usual=["open"], example=["open"])


CASES = (_states(CASE_STATES, "Where the case stands"), LIMITED)
CANDIDATES = (_states(CANDIDATE_STATES, "What people have said of it"), LIMITED)
_PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {"cases": CASES, "candidates": CANDIDATES}
_READS = {
    "cases": ("list_cases", "List the cases of your agency, the newest changed first"),
    "case": ("show_case", "Show one case of your agency"),
    "candidates": (
        "list_candidates",
        "List a case's candidates in the order in which to answer them, at most ten a camera",
    ),
    "route": ("show_route", "Show the confirmed route of a case, its gaps and the next cameras"),
}
_ACTS = {
    "open_case": ("Open a case of a missing person, where the law allows it", 201),
    "file_case": ("Record that the authorisation of an urgent case was asked for", 200),
    "close_case": ("Close a case: its key is destroyed, and nobody reads any more what it drew", 200),
    "answer_candidate": ("Answer whether a candidate is the person", 202),
}
_REFUSALS = {
    401: "No key, or none that is known.",
    403: "The account has no right to cases; or the law does not allow it: `reason`, `other_grounds`.",
    404: "No such city, case or candidate; also a case that is over, or another agency's.",
    422: "A parameter or the body cannot be; its field is named.",
    429: "Too many requests; see Retry-After.",
    503: "The log cannot be reached, or is not read to its end.",
}
_CONFLICTS = {
    "open_case": "There is or was a case of that number: `case_id` and `state` are what stands; or too many cases are open.",
    "file_case": "The key of the case is damaged: nobody can read the case any more.",
    "answer_candidate": "The candidate has changed, or was answered before: `answer` and `revision` are what stands.",
}


def described_read(name: str) -> dict[str, Any]:
    """The keyword arguments of the route that reads *name*. Each look is on record in the access log."""
    operation, summary = _READS[name]
    parameters = [one.described() for one in _PARAMETERS.get(name, ())]
    return {
        "summary": f"{summary}. Who looks is recorded",
        "operation_id": operation,
        "tags": ["cases"],
        "openapi_extra": {"security": BY_EITHER, "parameters": parameters},
        "responses": {
            200: {"description": "For the case's agency alone.", "content": {"application/json": {}}},
            **problems(_REFUSALS),
        },
    }


def described_act(word: str, form: type[BaseModel]) -> dict[str, Any]:
    """The keyword arguments of the route that does *word*, with a body of *form*."""
    summary, status = _ACTS[word]
    schema = form.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    body = {"required": True, "content": {"application/json": {"schema": _inlined(schema, inner)}}}
    conflict = {409: _CONFLICTS[word]} if word in _CONFLICTS else {}
    return {
        "summary": summary,
        "operation_id": word,
        "status_code": status,
        "tags": ["cases"],
        "openapi_extra": {"requestBody": body, "security": BY_EITHER},
        "responses": {
            status: {"description": "It is done, and on record.", "content": {"application/json": {}}},
            **body_problems(),
            **problems(_REFUSALS | conflict),
        },
    }


def _inlined(schema: Any, inner: Mapping[str, Any]) -> Any:
    """*schema* with the schemas that it refers to in their places."""
    if isinstance(schema, Mapping):
        if (name := str(schema.get("$ref", "")).rpartition("/")[2]) in inner:
            return _inlined(inner[name], inner)
        return {key: _inlined(one, inner) for key, one in schema.items()}
    return [_inlined(one, inner) for one in schema] if isinstance(schema, list) else schema
