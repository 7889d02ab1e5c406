"""Print what broke without secrets: the text of others' errors may hold a URL with its password."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from schemas.hidden_secrets import without_secrets


class HidingFormatter(logging.Formatter):
    """Formats a line of a library's log, with its traceback, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def hide_secrets_in_tracebacks() -> None:
    """From now on, in this process: of the main thread, of others, and of what libraries log where nobody set up a log."""
    sys.excepthook = _print
    threading.excepthook = _print_of_thread
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(HidingFormatter())


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(without_secrets("".join(traceback.format_exception(kind, error, trace))))


def _print_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "?"
        sys.stderr.write(f"Exception in thread {name}:\n")
        _print(args.exc_type, args.exc_value, args.exc_traceback)
