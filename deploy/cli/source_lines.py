"""Lines about a source: the outcome of a try, and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas.printable import printable_line, printable_value

if TYPE_CHECKING:
    from deploy.trial import Tried


def summary(tried: Tried) -> Iterator[str]:
    """The outcome of a try, in words."""
    for topic, count in sorted(tried.events.items()):
        yield f"{count} events to {topic}"
    if not tried.events:
        yield "no events"
    if tried.unplaced:
        yield f"{tried.unplaced} of them without a place"
    said = {"set aside": tried.aside, "left out": tried.skipped, "worth a look": tried.noted}
    for what, counted in said.items():
        if counted:
            yield f"{sum(counted.values())} {what}: {_most(counted)}"


def report_lines(told: dict[str, Any]) -> Iterator[str]:
    """A ``core.source`` in words."""
    from streams.ingest.report import shares

    told = printable_value(told)
    why = f": {told['state_reason']}" if told["state_reason"] else ""
    yield f"{told['city']}/{told['source']}  {told['state']} since {_when(told['state_since_at'])}{why}"
    if told["try_at"] is not None:
        yield f"tried again by itself   {_when(told['try_at'])}"
    yield f"last received           {_when(told['heard_at'])}"
    yield f"counted since           {_when(told['counted_since_at'])}: received {told['heard']}, failed {told['failed']}"
    yield f"events                  {told['events']}, {told['rate_per_min']:.1f} a minute"
    if told["age_p50_s"] is not None:
        yield f"age when received       {_seconds(told['age_p50_s'])} (half), {_seconds(told['age_p99_s'])} (99 of 100)"
    yield f"its clock against ours  {_skew(told['clock_skew_s'])}"
    share = shares(told)
    yield f"late                    {share['late']:.1%}; out of order {share['out_of_order']:.1%}"
    yield f"duplicates              {share['duplicates']:.1%}"
    yield f"without a place         {share['unplaced']:.1%}"
    yield f"set aside               {share['set_aside']:.1%} ({told['set_aside']})"
    for one in told["reasons"]:
        yield f"  {one['count']:7}  {one['what']}"
    for one in told["noted"]:
        yield f"worth a look            {one['what']} ({one['count']})"
    yield from kinds_lines(told)


def kinds_lines(told: dict[str, Any]) -> Iterator[str]:
    """Where kinds came from, and a line to paste for each word that no table holds."""
    for one in told.get("kinds", ()):
        yield f"kinds of {one['agency']:15} {one['count']} by {one['kind_source']}"
    if words := told.get("words", ()):
        yield "words that no table holds, to paste under [words.…] in schemas/kinds.toml or the source's kinds:"
    for one in words:
        line = f"{toml_text(one['word'])} = {toml_text(one['kind'])}  # {_printable(one['agency'])}"
        yield f"  {one['count']:7}  {line}"


def toml_text(text: str) -> str:
    """*text* as TOML quotes it; what a terminal would act on is escaped."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _most(counted: Counter[str]) -> str:
    return "; ".join(f"{printable_line(word)} ({count})" for word, count in counted.most_common(3))


def _when(at_ms: int | None) -> str:
    return (
        "never" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    )


def _seconds(number: float | None) -> str:
    return "unknown" if number is None else f"{number:g} s"


def _skew(skew_s: float | None) -> str:
    if skew_s is None:
        return "unknown"
    if skew_s > 0:
        return f"{skew_s:.1f} s ahead"
    return f"{-skew_s:.1f} s behind, or its quickest event takes so long"
