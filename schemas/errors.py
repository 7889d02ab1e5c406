"""Three errors, and the class says what to do.

BongsuError
├── Retriable   a temporary fault outside: wait, then try again
├── Invalid     the event is wrong: set it aside, go on
└── Fatal       our code or our configuration is wrong: stop, and be started again
    └── Unreachable   something needed cannot be reached (exit code 3)
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.hidden_secrets import without_secrets


class BongsuError(Exception):
    """An error that says what happened, to which thing, and how to mend it. Never holds personal data, nor a secret."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        self.what = without_secrets(what)
        self.hint = without_secrets(hint)
        super().__init__(f"{self.what}; {self.hint}" if hint else self.what)


class Retriable(BongsuError):
    """A temporary fault outside. *retry_after_s* is the time the other system asked for, if it did."""

    def __init__(self, what: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(what, hint=hint)
        self.retry_after_s = retry_after_s


class Invalid(BongsuError):
    """The event is wrong. *field* is the dotted path at fault, *expected* what belongs there, *code* a word that stays the
    same, by which a page says it in another language, *stands* what holds in place of the refused.
    """

    def __init__(
        self,
        what: str,
        *,
        field: str = "",
        expected: str = "",
        hint: str = "",
        code: str = "",
        stands: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(what, hint=hint)
        self.code = code
        self.stands = dict(stands or {})
        self.field = field
        self.expected = expected


class Fatal(BongsuError):
    """Our code or our configuration is wrong."""


class Unreachable(Fatal):
    """Something needed does not answer: which, where, and how to start it."""
