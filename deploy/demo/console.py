"""The demo's account for the console: an operator of a day, and the link that signs in once."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from typing import Any

from connectors.gateway.accounts import USER, new_user
from connectors.gateway.sessions_link import with_link
from connectors.transport.web_page import wall_clock_ms
from deploy.account_rows import end_of, publish, rows_of
from deploy.assembly.gateway_sessions import link_url
from deploy.city.city import City
from deploy.platform import Platform
from deploy.telling import tell

OPERATOR = "demo-operator"


def link_of_operator(platform: Platform, city: City) -> str:
    """The address that signs the demo's operator in once; the account is made, or lasts for another day."""
    now_ms = wall_clock_ms()
    rows = rows_of(platform, city, USER).values()
    known = next((row for row in rows if row["name"] == OPERATOR), None) or _made(city, now_ms)
    lasting = {**known, "expires_at": end_of(1, now_ms), "revoked_at": None}
    token, event = with_link(city.name, lasting, now_ms=now_ms)
    publish(platform, city, event)
    return link_url(city, token)


def _made(city: City, now_ms: int) -> Mapping[str, Any]:
    """An operator who sees all that the city's law lets anybody see: everything in it is simulated."""
    purposes = {use.purpose for use in city.rules.law.uses.values()}
    _, event = new_user(city.name, OPERATOR, "operator", now_ms=now_ms, purposes=purposes)
    return event.value or {}


def offer(link: str, *, opens: bool) -> None:
    """Print *link*, and open it where *opens* and this machine shows windows."""
    tell(f"open the console: {link}", err=True)
    if opens and has_display(sys.platform, os.environ):
        webbrowser.open(link)


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser of this machine would be seen: not over SSH, nor on a Linux without a display."""
    if "SSH_CONNECTION" in environment:
        return False
    return platform in ("darwin", "win32") or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )
