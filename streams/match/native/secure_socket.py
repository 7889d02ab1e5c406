"""Open a socket to a broker: plain, by TLS, or by TLS and SCRAM. The messages of SASL are aiokafka's."""

from __future__ import annotations

import socket
import struct
from collections.abc import Generator
from math import inf
from time import monotonic
from typing import Any

from aiokafka.conn import ScramAuthenticator
from aiokafka.protocol.admin import (
    SaslAuthenticateRequest_v1,
    SaslAuthenticateResponse_v1,
    SaslHandShakeRequest_v1,
    SaslHandShakeResponse_v1,
)

from schemas.errors import Fatal
from streams.runtime.security import MECHANISM, Security

RESPONSE_BYTES_MAX = 1 << 20
CLIENT = "bongsu.match"
STEPS_MAX = 5
REFUSED = 58
"""Kafka's code of a failed proof (``SASL_AUTHENTICATION_FAILED``)."""
RENEWED_AT = 0.8
"""The part of a proof's life after which a new connection is made."""

Broker = tuple[str, int]


class Unanswered(ConnectionError):
    """A broker sent no response, or one that cannot be decoded."""


def opened(broker: Broker, security: Security | None, *, timeout_s: float) -> tuple[socket.socket, float]:
    """A socket on which the broker takes requests, and the monotonic time by which to replace it.

    ``OSError`` where it cannot be reached or its certificate is not the authority's; ``Fatal`` where it lets us not in.
    """
    made = socket.create_connection(broker, timeout_s)
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if security is None:
            return made, inf
        made = security.context().wrap_socket(made, server_hostname=broker[0])
        if not security.password:
            return made, inf
        begun = monotonic()
        life_ms = _prove(made, security)
        return made, begun + life_ms / 1000 * RENEWED_AT if life_ms else inf
    except BaseException:
        made.close()
        raise


def _prove(made: socket.socket, security: Security) -> int:
    """Prove to be the principal; return for how many milliseconds that holds, 0: without end."""
    chosen = _ask(made, 0, SaslHandShakeRequest_v1(MECHANISM), SaslHandShakeResponse_v1)
    if chosen.error_code:
        raise Fatal(f"Kafka takes no {MECHANISM} here", hint="let its listener take it, beside others")
    messages = _messages(security)
    message, _ = next(messages)
    for number in range(1, STEPS_MAX):
        told = _ask(made, number, SaslAuthenticateRequest_v1(message), SaslAuthenticateResponse_v1)
        if told.error_code:
            raise _refusal(told.error_code, security.principal)
        try:
            message, _ = messages.send(told.sasl_auth_bytes)
        except StopIteration:
            return max(0, int(told.session_lifetime_ms))
        except (ValueError, KeyError) as error:
            raise Unanswered("a broker that does not prove to know the principal") from error
    raise Unanswered("a proof without end")


def _messages(security: Security) -> Generator[tuple[bytes, bool], bytes, None]:
    """The client's messages of a proof; each is to be sent the broker's answer to the one before."""
    scram: Any = ScramAuthenticator(
        loop=None,  # this part of it waits for nothing
        sasl_plain_password=security.password,
        sasl_plain_username=security.principal,
        sasl_mechanism=MECHANISM,
    )
    found: Generator[tuple[bytes, bool], bytes, None] = scram.authenticator_scram()
    return found


def _refusal(code: int, principal: str) -> Exception:
    if code != REFUSED:
        return Unanswered(f"no proof is taken now (code {code})")
    return Fatal(
        f"Kafka denied access to {principal}: its password is not the one that Kafka knows",
        hint="correct the password's file, then start again",
    )


def _ask(made: socket.socket, number: int, request: Any, response: Any) -> Any:
    sent = request.build_request_header(number, CLIENT).encode() + request.encode()
    made.sendall(struct.pack(">i", len(sent)) + sent)
    size = int.from_bytes(_bytes(made, 4))
    if not 4 <= size <= RESPONSE_BYTES_MAX:
        raise Unanswered("a response that cannot be one of a proof")
    told = _bytes(made, size)
    if int.from_bytes(told[:4]) != number:
        raise Unanswered("a response to another request")
    try:
        return response.decode(told[4:])
    except (struct.error, ValueError) as error:
        raise Unanswered("a response that cannot be decoded") from error


def _bytes(made: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        if not (more := made.recv(count - len(found))):
            raise Unanswered("the broker closed the connection")
        found += more
    return found
