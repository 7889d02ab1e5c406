"""What a person did wrong at the command line or in a file."""

from __future__ import annotations

from schemas.errors import BongsuError


class UsageFault(BongsuError):
    """A command or a file given to it is wrong; what, where, and what to write instead (exit code 2)."""
