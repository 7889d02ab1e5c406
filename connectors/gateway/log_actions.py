"""Bodies, keys and refusals of the routes by which operators' wishes go into the log: read, and told, in one way."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from connectors.gateway.accounts import Account
from connectors.gateway.problems import AGAIN_S, Problem
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import derived_id
from schemas.validation import faults_of

Said = TypeVar("Said", bound=BaseModel)
Answer = TypeVar("Answer")


def read_body(form: type[Said], body: bytes) -> Said:
    """*body* as *form*. ``Problem`` 422 names the field, and nothing of what stood in it."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = faults_of(error)[0]
    raise wrong_field(form, first.name or "the body", first.what)


def wrong_field(form: type[BaseModel], field: str, what: str) -> Problem:
    """The refusal of a body of *form* for its *field*."""
    about = form.model_fields.get(field)
    expected = (about and about.description) or "an object with: " + ", ".join(form.model_fields)
    more = {"field": field, "expected": expected}
    return Problem(422, f"{field}: {what}", code="wrong-field", more=more)


def check_may_act(account: Account, what: str) -> None:
    """``Problem`` 403 for an account that acts as nobody: it may not do *what*."""
    if not account.acts_as:
        more = {"field": "role", "expected": "an operator's or a supervisor's account"}
        raise Problem(403, f"this account may not {what}", code="may-not-act", more=more)


def action_id_of(word: str, account: Account, key: str | None, *about: str) -> str:
    """The same key of the same account is the same action; without one each request is another."""
    return secrets.token_hex(16) if key is None else derived_id(word, account.account_id, *about, key)


async def decided(
    act: Callable[[], Answer],
    *,
    statuses: Mapping[str, int],
    usual_code: str = "",
    done: str = "done",
    how: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Return what the log says to *act*. ``Problem`` where it refused or could not be asked.

    *statuses*: the code or the field of a refusal → its status, 422 for all others; *usual_code*: of one without a code;
    *done*: what happens once however often it is sent; *how*: what to do, where that needs no key;
    *more*: told with a refusal.
    """
    try:
        return await run_in_threadpool(act)
    except Invalid as error:
        status = statuses.get(error.code) or statuses.get(error.field) or 422
        told = {"field": error.field, "expected": error.expected, **error.stands, **(more or {})}
        raise Problem(status, error.what, code=error.code or usual_code, more=told) from error
    except (Retriable, Fatal) as error:
        what = f"Kafka unavailable: {error.what}"
        told = {"how": how or f"send it again with the same Idempotency-Key: it is {done} once"}
        raise Problem(503, what, code="log-away", retry_after_s=AGAIN_S, more=told) from error
