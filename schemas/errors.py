"""Three errors, and the class says what to do.

BongsuError
├── Retriable   the world may heal: wait, try again
├── Invalid     the event is wrong: set it aside, go on
└── Fatal       we are wrong, or set up wrongly: stop, be started again
    └── Unreachable   something needed cannot be reached (exit code 3)
"""

from __future__ import annotations


class BongsuError(Exception):
    """What happened, to which thing, and how to mend it. Never holds personal data."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(f"{what}; {hint}" if hint else what)
        self.what = what
        self.hint = hint


class Retriable(BongsuError):
    """The world may heal. *retry_after_s* is the outside's own wish, when it has one."""

    def __init__(self, what: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(what, hint=hint)
        self.retry_after_s = retry_after_s


class Invalid(BongsuError):
    """The event is wrong. *field* is the dotted path at fault, *expected* what should have stood there."""

    def __init__(self, what: str, *, field: str = "", expected: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.field = field
        self.expected = expected


class Fatal(BongsuError):
    """We are wrong, or set up wrongly."""


class Unreachable(Fatal):
    """Something needed does not answer: which, where, and how to start it."""
