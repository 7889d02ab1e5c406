"""Errors of a person at the command line or in a file."""

from __future__ import annotations

from schemas.errors import BongsuError


class UsageFault(BongsuError):
    """A command or its file is wrong: what, where, and what to write instead (exit code 2)."""
