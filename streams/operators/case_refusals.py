"""Refusals of wishes about cases: each has a code of its own, says how to mend it, and shows no path."""

from __future__ import annotations

from schemas.errors import Fatal, Invalid
from streams.cases.case_table import KnownCase
from streams.operators.case_writer import Keys

CASE_KNOWN, NO_CASE, DAMAGED = "case-known", "no-case", "key-damaged"


def case_known(its_id: str, stands: KnownCase | None) -> Invalid:
    """The refusal of an opening whose number has a case, *stands*; ``None`` where no more is known than its key's end."""
    row = {} if stands is None else {name: stands.row[name] for name in ("state", "revision")}
    return Invalid(
        "there is or was a case of that number",
        field="agency_case_no",
        expected="a number of its own",
        code=CASE_KNOWN,
        stands={"case_id": its_id, **row},
    )


def no_case(expected: str = "an open case of your agency") -> Invalid:
    """The refusal of a wish about a case that is over, another agency's, or none."""
    return Invalid("no such open case", field="case_id", expected=expected, code=NO_CASE)


def key_damaged() -> Invalid:
    """The refusal of a wish about a case that nobody can read any more."""
    return Invalid(
        "the key of this case is damaged: nobody can read the case any more, and it ends by itself",
        field="case_id",
        expected="a new case with a number of its own",
        code=DAMAGED,
    )


def key_of(keys: Keys, its_id: str) -> bytes | None:
    """The key of a case; ``None`` where there is none. ``Invalid`` for a damaged one."""
    try:
        return keys.key(its_id)
    except Fatal as error:
        raise key_damaged() from error
