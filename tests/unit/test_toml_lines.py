"""An error in a city's file names its line."""

from __future__ import annotations

import pytest

from deploy.city.toml_lines import line_of

TEXT = """\
name = "somewhere"

[bounds]
south = 1.0

[[source]]
name = "a"
every_s = 60

[[source]]
name = "b"
every_s = "often"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("bounds", "south"), 4),
        (("bounds", "north"), 3),  # missing: the line of its table
        (("source", 0, "every_s"), 8),
        (("source", 1, "every_s"), 12),
        (("source", 1, "type"), 10),
        (("nowhere",), 1),
    ],
)
def test_a_value_is_found_in_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line
