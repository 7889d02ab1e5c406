from __future__ import annotations

import pytest

from schemas.errors import Invalid
from schemas.framing import frame, unframe


def test_a_frame_is_what_any_confluent_client_writes() -> None:
    assert frame(258, b"fire") == b"\x00\x00\x00\x01\x02fire"
    assert unframe(frame(2**32 - 1, b"")) == (2**32 - 1, b"")


@pytest.mark.parametrize(
    "value", [b"", b"\x00\x00\x00\x01", b'{"kind": "fire"}', b"\x01\x00\x00\x00\x01fire"]
)
def test_bytes_that_are_no_frame_are_set_aside(value: bytes) -> None:
    with pytest.raises(Invalid, match=r"magic|header") as caught:
        unframe(value)
    assert caught.value.field == "value"
