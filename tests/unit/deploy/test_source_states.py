"""The sources that ``bongsu status`` names."""

from __future__ import annotations

import pytest

from deploy.source_states import is_not_whole


@pytest.mark.parametrize(
    ("state", "reason", "is_named"),
    [
        ("hearing", None, False),
        ("hearing", "not heard: free_bike_status: it answered 404", True),
        ("failing", "it answered 500", True),
        ("refused", None, True),
        ("stopped", None, True),
        ("trial", None, True),
    ],
)
def test_a_source_is_named_while_it_is_not_heard_whole(
    state: str, reason: str | None, is_named: bool
) -> None:
    assert is_not_whole({"state": state, "state_reason": reason}) is is_named
