"""POST to an address that a subscriber chose: checked, pinned, bounded. Nothing of it but its host is ever told.

The host is resolved, every address that it has must be public (or the operator allows the host), and the connection goes to
the address that was checked: the name is not looked up again. TLS and ``Host`` go by the name. No redirect is
followed, no proxy of the environment used, no cookie kept.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import cast

import httpx

from connectors.transport.addresses import why_not_public
from connectors.transport.web_page import wait_s
from schemas.errors import Fatal, Retriable

CONNECT_S_MAX = 3.0
TOTAL_S_MAX = 10.0
DRAIN_S_MAX = 1.0
"""The longest that is read of a response's body once its status is known."""
RESPONSE_BYTES_MAX = 64 * 1024
WAIT_S_MAX = 86_400.0
ADDRESSES_MAX = 4
CONNECTIONS = 4
"""At once to one receiver; all are kept open, since events of different situations are sent side by side."""
RESOLVED_MS = 30_000
"""An answer of the name service is used this long, and no longer once a connection failed."""
ALLOW = "let the operator name the host in the city's file (allow_hosts), or give a public https address"

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port → addresses as text. It may block; ``OSError`` where the name has none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of a response, and how long it asks us to wait (``Retry-After``), a day at most."""

    status: int
    wait_s: float | None = None


def resolve(host: str, port: int) -> list[str]:
    """The addresses of *host*, by the system's name service."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class GuardedPost:
    """One receiver's address, and the connection to it. ``Fatal`` when it is made of an address that is not allowed."""

    def __init__(
        self,
        url: str,
        *,
        allow_hosts: Sequence[str],
        now_ms: Callable[[], int],
        resolver: Resolver = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            raise Fatal("the receiver's address is no URL", hint="mend its url") from None
        self._host = self._url.raw_host.decode("ascii")
        self._port = self._url.port or (443 if self._url.scheme == "https" else 80)
        plain = self._host.lower().rstrip(".")
        self._is_allowed = not {plain, f"{plain}:{self._port}"}.isdisjoint(one.lower() for one in allow_hosts)
        self._now_ms, self._resolver, self._trust = now_ms, resolver, trust
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._names: ThreadPoolExecutor | None = None
        self._resolved: tuple[int, list[str]] = (0, [])
        self._check_url()

    @property
    def name(self) -> str:
        """The receiver's host. The rest of an address may hold keys: its user, its path (a chat's hook), its query."""
        return self._host

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send once. ``Retriable`` where it does not answer in time, ``Fatal`` where its address or a header is wrong."""
        try:
            async with asyncio.timeout(TOTAL_S_MAX):
                return await self._post(body, headers)
        except TimeoutError:
            self._forget_addresses()
            raise Retriable(f"{self.name} did not answer within {TOTAL_S_MAX:g} s") from None
        except httpx.LocalProtocolError:  # its message shows the header
            hint = "look for line ends and blanks around its settings"
            raise Fatal(f"{self.name}: a header cannot be sent as it is", hint=hint) from None
        except httpx.TransportError as error:
            self._forget_addresses()
            raise Retriable(f"{self.name} {_told(error)}") from None

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        names, self._names = self._names, None
        if names is not None:
            names.shutdown(wait=False, cancel_futures=True)
        if transport is not None:
            await transport.aclose()

    def _check_url(self) -> None:
        if self._url.scheme not in ("https", "http") or not self._host:
            raise Fatal("the receiver's address is no https address", hint=ALLOW)
        if self._url.userinfo:
            raise Fatal(f"the address of {self.name} holds a user", hint="leave it out: signatures prove us")
        if self._url.scheme == "http" and not self._is_allowed:
            raise Fatal(f"the address of {self.name} is not https", hint=ALLOW)
        with suppress(ValueError):  # a name: checked when it is resolved
            self._check_addresses([str(ip_address(self._host))])

    def _check_addresses(self, addresses: Sequence[str]) -> None:
        for one in addresses if not self._is_allowed else ():
            if word := why_not_public(one):
                raise Fatal(f"{self.name} is at an address that is not public ({word})", hint=ALLOW)

    async def _addresses(self) -> list[str]:
        until, addresses = self._resolved
        if addresses and self._now_ms() < until:
            return addresses
        if self._names is None:  # a thread of its own: a name service that hangs delays no other receiver
            self._names = ThreadPoolExecutor(1, thread_name_prefix="names")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._names, self._resolver, self._host, self._port)
        except (OSError, UnicodeError):
            raise Retriable(f"{self.name} has no address") from None
        if not found:
            raise Retriable(f"{self.name} has no address")
        self._check_addresses(found)
        self._resolved = (self._now_ms() + RESOLVED_MS, list(found[:ADDRESSES_MAX]))
        return self._resolved[1]

    def _forget_addresses(self) -> None:
        self._resolved = (0, [])

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        addresses = await self._addresses()
        for number, address in enumerate(addresses, 1):
            try:
                answer = await self._send(address, body, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                if number > 1:  # the one that answers is asked first from now on
                    addresses.insert(0, addresses.pop(number - 1))
                return answer
        raise Retriable(f"{self.name} has no address")

    async def _send(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._transport is None:
            # The transport alone: a client would log each URL with its query, keep cookies, and follow the environment.
            limits = httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=20
            )
            self._transport = httpx.AsyncHTTPTransport(
                verify=self._trust or _trusted(), trust_env=False, limits=limits
            )
        request = httpx.Request(
            "POST",
            self._url.copy_with(host=address, fragment=None),
            headers={"Host": self._url.netloc.decode("ascii"), **headers},
            content=body,
            extensions={
                "sni_hostname": self._host,
                "timeout": httpx.Timeout(TOTAL_S_MAX, connect=CONNECT_S_MAX).as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            await _drain(response)
        finally:
            await response.aclose()
        wait = wait_s(response.headers.get("Retry-After"), now_ms=self._now_ms())
        return Answer(response.status_code, None if wait is None else min(wait, WAIT_S_MAX))


async def _drain(response: httpx.Response) -> None:
    """Read what is left, up to a bound, so that the connection can be used again. Closed before its end, it is not."""
    size = 0
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(DRAIN_S_MAX):
            async for part in cast("httpx.AsyncByteStream", response.stream):
                size += len(part)
                if size > RESPONSE_BYTES_MAX:
                    return


def _told(error: BaseException) -> str:
    """The fault of a connection. Only what this module or ``ssl`` says: a message of the network may hold anything."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"has a certificate that is not trusted: {seen.verify_message}"
        seen = seen.__cause__ or seen.__context__
    return f"does not answer: {type(error).__name__}"


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once."""
    return httpx.create_ssl_context()
