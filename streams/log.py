"""Logs as lines of ``key=value``: facts and counts, never personal data, nor secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any

from schemas.errors import BongsuError
from schemas.hidden_secrets import without_secrets
from schemas.printable import printable_line


class Log:
    """Log lines with named facts. Facts are only numbers, ids of ours and texts of ours."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def enable(self) -> None:
        """Enable the loggers after a library has disabled all of them."""
        self._logger.disabled = KAFKA_LOGGER.disabled = False

    def info(self, event: str, **facts: Any) -> None:
        self._log(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._log(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._log(logging.ERROR, event, facts)

    def _log(self, level: int, event: str, facts: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", _line(event, facts), extra={EVENT: event, FACTS: facts})


EVENT, FACTS = "bongsu_event", "bongsu_facts"
"""Names of a log record's own fields, from which lines of JSON are made."""


def _line(event: str, facts: dict[str, Any]) -> str:
    return " ".join([event, *(f"{name}={_plain(value)}" for name, value in facts.items())])


def _plain(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else printable_line(without_secrets(str(value)))
    return f'"{text}"' if " " in text else text


def facts_of(error: Exception) -> dict[str, str]:
    """Why something ended and, where we know it, how to mend it; of another's error its kind only."""
    if not isinstance(error, BongsuError):
        return {"why": f"it broke: {type(error).__name__}"}
    return {"why": error.what, "how_to_mend": error.hint} if error.hint else {"why": error.what}


def to_stderr(level: int = logging.INFO) -> None:
    """Log to standard error, one line per event."""
    log_to(logging.StreamHandler(sys.stderr), level)


def log_to(handler: logging.Handler, level: int, formatter: logging.Formatter | None = None) -> None:
    """Log to *handler*, one line per event; what was set up first stays."""
    logger = logging.getLogger("bongsu")
    if not logger.handlers:
        handler.setFormatter(formatter or logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


class _OfKafka(logging.Filter):
    """A filter for lines of librdkafka: it applies our level, and lowers fenced producers to INFO.

    librdkafka calls a fenced producer fatal. Here it is expected (a retry borrows a source, a worker is
    restarted), and the fenced process logs what it does about it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()
        if any(one in words for one in FENCED):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg, record.args = f"Kafka client: {printable_line(without_secrets(words))}", ()
        return record.levelno >= logging.getLogger("bongsu").getEffectiveLevel()


FENCED = ("fenced", "FENCED", "INVALID_PRODUCER_EPOCH", "newer instance", "old epoch")

KAFKA_LOGGER = logging.getLogger("bongsu.kafka")
KAFKA_LOGGER.addFilter(_OfKafka())

log = Log("bongsu")
