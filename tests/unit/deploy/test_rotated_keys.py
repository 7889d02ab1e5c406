"""A key that is rotated: which one is meant, and for how long the old one is good."""

from __future__ import annotations

from typing import Any

import click
import pytest

from connectors.gateway.accounts import new_key, with_new_secret
from deploy.account_rows import key_row, old_end
from deploy.faults import UsageFault
from deploy.spans import Span

NOW_MS = 1_780_000_000_000


def a_row(name: str = "police", **about: Any) -> dict[str, Any]:
    return dict(new_key("springfield", name, ["reports"], now_ms=NOW_MS, **about)[1].value or {})


def by_id(*rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: row for row in rows}


@pytest.mark.parametrize(("said", "ms"), [("90s", 90_000), ("1h", 3_600_000), ("2d", 172_800_000), ("0", 0)])
def test_a_span_of_time(said: str, ms: int) -> None:
    assert Span(30).convert(said, None, None) == ms


@pytest.mark.parametrize("said", ["", "1", "h", "-1h", "1.5h", "31d", "1 h", "١h"])
def test_what_is_no_span_of_time_or_too_long_is_refused(said: str) -> None:
    with pytest.raises(click.BadParameter):
        Span(30).convert(said, None, None)


def test_the_one_good_key_of_an_agency_is_meant() -> None:
    good, revoked, ended = a_row(), {**a_row(), "revoked_at": NOW_MS}, a_row(expires_at=NOW_MS)
    assert key_row("springfield", by_id(revoked, good, ended), "police", now_ms=NOW_MS) == good
    assert key_row("springfield", by_id(good), good["account_id"], now_ms=NOW_MS) == good


def test_of_several_keys_one_must_be_named_by_its_id() -> None:
    one, two = a_row(), a_row()
    with pytest.raises(UsageFault, match=one["account_id"]):
        key_row("springfield", by_id(one, two), "police", now_ms=NOW_MS)
    assert key_row("springfield", by_id(one, two), two["account_id"], now_ms=NOW_MS) == two


def test_a_revoked_key_is_not_rotated() -> None:
    with pytest.raises(UsageFault, match="no good key"):
        key_row("springfield", by_id({**a_row(), "revoked_at": NOW_MS}), "police", now_ms=NOW_MS)


def test_the_end_of_the_old_key_is_told_while_it_is_good() -> None:
    row = a_row()
    assert old_end(row, NOW_MS) == ""
    _, event = with_new_secret("springfield", row, now_ms=NOW_MS, old_until=NOW_MS + 3_600_000)
    after = dict(event.value or {})
    assert "until 2026-" in old_end(after, NOW_MS)
    assert old_end(after, NOW_MS + 3_600_000) == ""
