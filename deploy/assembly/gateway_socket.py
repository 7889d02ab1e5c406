"""The listening socket of the gateway, its HTTP server, and the files that its connections need."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from connectors.gateway.connections import guarded
from connectors.gateway.door import KNOWN_MAX, KNOWN_OF_ACCOUNT_MAX, Door
from deploy.city.gateway_file import GatewayFile
from schemas.errors import Fatal

BACKLOG = 2048
KEEP_ALIVE_S = 30
END_S = 10
"""The time that requests under way have at the end."""
TICK_S = 1.0
"""The age that the Date header of a response may have."""


class GatewayServer(uvicorn.Server):
    """uvicorn's server that is woken when it should end; uvicorn's own looks ten times a second, also when idle."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._should_exit = False
        self._waking: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._should_exit

    @should_exit.setter
    def should_exit(self, is_so: bool) -> None:
        """Set by any thread and by signals."""
        self._should_exit = is_so
        if is_so and self._waking is not None:
            loop, ends = self._waking
            with suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(ends.set)

    async def main_loop(self) -> None:
        ends = asyncio.Event()
        self._waking = asyncio.get_running_loop(), ends
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(ends.wait(), TICK_S)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at that address. ``Fatal`` when the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise Fatal(
            f"the gateway cannot listen at {host}:{port}: {error.strerror or error}",
            hint="end what listens there, or give another host or port under [gateway] in the city's file",
        ) from error
    return listening


def allow_files(count: int) -> None:
    """Raise the limit of open files to *count*, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def server_of(app: FastAPI, about: GatewayFile, port: int) -> GatewayServer:
    """The HTTP server of *app*, with the limits of the city's file."""
    _demand_certificate(about)
    return GatewayServer(
        uvicorn.Config(
            app,
            host=about.host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            http=guarded(_door(about)),
            ws="none",
            proxy_headers=bool(about.trusted_proxies),
            forwarded_allow_ips=list(about.trusted_proxies),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=END_S,
            ssl_certfile=about.tls_certificate,
            ssl_keyfile=about.tls_key,
        )
    )


def _demand_certificate(about: GatewayFile) -> None:
    """Return where the files of TLS are good or none are named. ``Fatal`` names them, and never what they hold."""
    if about.tls_certificate is None or about.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(about.tls_certificate, about.tls_key, password=lambda: "")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        why = error.strerror or type(error).__name__ if isinstance(error, OSError) else "it has a password"
        raise Fatal(
            f"the gateway's certificate {about.tls_certificate} with key {about.tls_key} cannot be used: {why}",
            hint="name PEM files that belong together, the key without a password: tls_certificate and tls_key in [gateway]",
        ) from None


def _door(about: GatewayFile) -> Door:
    """The bounds on connections. Streams come on top of what others may have, so that they keep no agency out."""
    return Door(
        about.is_proxy,
        known_max=KNOWN_MAX + about.streams_max,
        of_account_max=KNOWN_OF_ACCOUNT_MAX + about.streams_of_account_max,
    )
