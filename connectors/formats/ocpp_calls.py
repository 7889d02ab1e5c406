"""Messages of OCPP-J 1.6 and 2.0.1: read, held against the schemas that the package ``ocpp`` ships, answered. Pure.

- A CALL is ``[2, id, action, payload]``, its answer ``[3, id, payload]`` or ``[4, id, code, text, details]``.
- An action that the version does not have is answered ``NotImplemented``, one that a central system does not serve
  ``NotSupported``. Other faults of a CALL have the codes of the version: 1.6 writes ``FormationViolation``, both
  ``OccurenceConstraintViolation`` with one r, as the standard does.
- A frame without a readable id has no answer in 1.6; 2.0.1 answers ``RpcFrameworkError`` to the id "-1".
- Numbers with a fraction are decimals, never floats. No text of an error holds a value of the message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from schemas.errors import Invalid

Version = Literal["1.6", "2.0.1"]
SUBPROTOCOLS: dict[str, Version] = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}
SERVED: dict[Version, frozenset[str]] = {
    "1.6": frozenset(
        {
            "Authorize",
            "BootNotification",
            "DataTransfer",
            "Heartbeat",
            "MeterValues",
            "StartTransaction",
            "StatusNotification",
            "StopTransaction",
        }
    ),
    "2.0.1": frozenset(
        {
            "Authorize",
            "BootNotification",
            "DataTransfer",
            "Heartbeat",
            "MeterValues",
            "StatusNotification",
            "TransactionEvent",
        }
    ),
}
FRAME_BYTES_MAX = 256 * 2**10
"""A message of a charger has some kilobytes; a stop with an hour of readings some tens."""
ID_LETTERS_MAX = 36
"""OCPP-J: the length of a UUID."""
UNREADABLE_ID = "-1"
CALL, RESULT, ERROR = 2, 3, 4
_FORMAT = {"1.6": "FormationViolation", "2.0.1": "FormatViolation"}
_MISSING = {"1.6": "ProtocolError", "2.0.1": "OccurenceConstraintViolation"}
_CODES = {
    "type": "TypeConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "maxItems": "OccurenceConstraintViolation",
}
"""The keyword of JSON Schema that fails → the code; any other (enum, lengths, bounds) is of a value that may not be."""
_BAD_VALUE = "PropertyConstraintViolation"


class CallFault(Invalid):
    """A CALL that is refused. *code*: of CALLERROR, by version. *unique_id*: of the CALL; ``None``: it is not answered."""

    def __init__(self, what: str, *, code: str, unique_id: str | None, field: str = "") -> None:
        super().__init__(what, field=field, code=code)
        self.unique_id = unique_id

    def reply(self) -> bytes | None:
        """The CALLERROR to send; ``None`` for a frame that is not answered."""
        return None if self.unique_id is None else call_error(self.unique_id, self.code, self.what)


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a charger, valid by the schema of its action."""

    version: Version
    unique_id: str
    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChargerAnswer:
    """The answer of a charger to a request of ours. *error*: the code of a CALLERROR; ``None`` of a CALLRESULT."""

    unique_id: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def read_frame(frame: bytes, version: Version) -> Call | ChargerAnswer:
    """The message in *frame*. ``CallFault`` where it is none, or a CALL that is not served or not valid."""
    message = _json(frame, version)
    if not isinstance(message, list) or not message:
        raise _unreadable("the frame is no list", version)
    kind, unique_id = message[0], message[1] if len(message) > 1 else None
    is_number = isinstance(kind, int) and not isinstance(kind, bool)
    if not isinstance(unique_id, str) or not 1 <= len(unique_id) <= ID_LETTERS_MAX:
        raise _unreadable("the frame has no id of 1 to 36 letters", version)
    if is_number and kind in (RESULT, ERROR):
        return _answer(message, unique_id)
    if not is_number or kind != CALL:
        if version == "1.6":  # the standard: such a frame is ignored
            raise CallFault("the frame is of no known type", code=_FORMAT[version], unique_id=None)
        raise CallFault("the frame is of no known type", code="MessageTypeNotSupported", unique_id=unique_id)
    if len(message) != 4 or not isinstance(message[2], str) or not isinstance(message[3], dict):
        raise CallFault("the call is not [2, id, action, object]", code=_FORMAT[version], unique_id=unique_id)
    call = Call(version, unique_id, message[2], message[3])
    _check(call)
    return call


def call_frame(call: Call) -> bytes:
    """The bytes of a CALL of ours. ``ValueError`` where it is not valid by the schema of its action."""
    suffix = "" if call.version == "1.6" else "Request"
    fault = next(_validator(call.version, call.action + suffix).iter_errors(call.payload), None)
    if fault is not None:
        raise ValueError(f"{call.action}: {_path(fault) or 'the payload'} does not fit: {fault.validator}")
    return _packed([CALL, call.unique_id, call.action, call.payload])


def call_result(unique_id: str, payload: Mapping[str, Any]) -> bytes:
    """The bytes of a CALLRESULT."""
    return _packed([RESULT, unique_id, payload])


def call_error(unique_id: str, code: str, description: str = "") -> bytes:
    """The bytes of a CALLERROR; its text has 255 letters at most."""
    return _packed([ERROR, unique_id, code, description[:255], {}])


def response_faults(version: Version, action: str, payload: Mapping[str, Any]) -> list[str]:
    """Where *payload* is no valid response to *action*: dotted paths with the keyword that fails."""
    checked = _validator(version, f"{action}Response")
    return [f"{_path(fault)}: {fault.validator}" for fault in checked.iter_errors(payload)]


def _json(frame: bytes, version: Version) -> Any:
    if len(frame) > FRAME_BYTES_MAX:
        raise _unreadable(f"the frame has more than {FRAME_BYTES_MAX} bytes", version)
    try:
        text = frame.decode()
        message = json.loads(text, parse_float=_decimal, parse_constant=_no_number)
        if "\\u" in text:  # half a character can be escaped, and cannot be written as UTF-8
            json.dumps(message, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError):  # of both UnicodeDecodeError and JSONDecodeError are kinds
        raise _unreadable("the frame is no JSON", version) from None
    return message


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if abs(number.adjusted()) > 300:  # beyond doubles too; in plain digits it would have no end
        raise ValueError("a number goes too far")
    return number


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _unreadable(what: str, version: Version) -> CallFault:
    if version == "1.6":
        return CallFault(what, code=_FORMAT[version], unique_id=None)
    return CallFault(what, code="RpcFrameworkError", unique_id=UNREADABLE_ID)


def _answer(message: list[Any], unique_id: str) -> ChargerAnswer:
    if message[0] == RESULT and len(message) == 3 and isinstance(message[2], dict):
        return ChargerAnswer(unique_id, message[2])
    if message[0] == ERROR and len(message) >= 3 and isinstance(message[2], str):
        return ChargerAnswer(unique_id, error=message[2])
    raise CallFault("the answer is not whole", code="", unique_id=None)


def _check(call: Call) -> None:
    if call.action not in _actions(call.version):
        raise CallFault("the action is not known", code="NotImplemented", unique_id=call.unique_id)
    if call.action not in SERVED[call.version]:
        raise CallFault(f"{call.action} is not served here", code="NotSupported", unique_id=call.unique_id)
    suffix = "" if call.version == "1.6" else "Request"
    fault = next(_validator(call.version, call.action + suffix).iter_errors(call.payload), None)
    if fault is not None:
        where = _path(fault)
        raise CallFault(
            f"{where or 'the payload'} does not fit: {fault.validator}",
            code=_code(str(fault.validator), call.version),
            unique_id=call.unique_id,
            field=where,
        )


def _code(keyword: str, version: Version) -> str:
    if keyword == "required":
        return _MISSING[version]
    if keyword == "additionalProperties":
        return _FORMAT[version]
    return _CODES.get(keyword, _BAD_VALUE)


def _path(fault: ValidationError) -> str:
    return ".".join(map(str, fault.absolute_path))


@cache
def _actions(version: Version) -> frozenset[str]:
    """All actions of *version*, both ways."""
    suffix = "Response.json"
    names = (entry.name for entry in _folder(version).iterdir())
    return frozenset(name.removesuffix(suffix) for name in names if name.endswith(suffix))


@cache
def _validator(version: Version, name: str) -> Draft4Validator:
    text = (_folder(version) / f"{name}.json").read_text(encoding="utf-8-sig")
    return Draft4Validator(json.loads(text))


def _folder(version: Version) -> Any:
    return files("ocpp") / f"v{version.replace('.', '')}" / "schemas"


def _packed(message: list[Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
