"""Make a home secure, once: it stays so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from deploy.local.home import Home, Remembered
from deploy.local.secure_home import make_secrets
from deploy.settings import VARIABLES, WORDS, given
from schemas.errors import Fatal


def made_secure(home: Home, running: Sequence[str]) -> Remembered:
    """Return what is remembered of *home*, from now on secure. ``Fatal`` where components *running* in it are open, or
    one is elsewhere."""
    before = home.recall()
    if before.secure:
        return before
    if elsewhere := sorted(given()):
        raise Fatal(
            f"{VARIABLES[elsewhere[0]]} names {WORDS[elsewhere[0]]}: what runs elsewhere is not ours to secure",
            hint=f"unset {VARIABLES[elsewhere[0]]}, or leave out --secure",
        )
    if running:
        raise Fatal(
            f"{WORDS[running[0]]} runs here without a password", hint="bongsu down, then bongsu up --secure"
        )
    make_secrets(home, now=datetime.now(UTC))
    secure = replace(before, secure=True)
    home.remember(secure)
    return secure
