"""The listening socket of the gateway, and the files that its connections need."""

from __future__ import annotations

import resource
import socket

from schemas.errors import Fatal

BACKLOG = 2048


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
