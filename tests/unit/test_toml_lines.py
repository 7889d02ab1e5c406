"""An error in a city's file names its line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest

from deploy.city.names import CITIES, shipped_cities
from deploy.city.toml_lines import line_of, lines_of

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


SPREAD = '''\
about = """
[source]
every_s = 1
"""

[[rule]]
name = "a" # [x] = 5
matrix = [
  { kinds = ["crash", "crash"] }, # ]
  { kinds = ["crash", # a "quote" = x
      "fire"], "window" = 5 },
]
gravity.fire = { severity = "x", urgency = "y" }

[rule.watch]
labels = [ "smoke",
  'person',
]
"a \\"key\\"" = 1

[[rule]]
  [[rule.matrix]]
  kinds = ["a"]
  [[rule.matrix]]
  kinds = ["b"]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("source",), 1),  # within a text
        (("rule", 0, "name"), 7),
        (("rule", 0, "matrix", 0), 9),
        (("rule", 0, "matrix", 1, "kinds", 0), 10),
        (("rule", 0, "matrix", 1, "kinds", 1), 11),
        (("rule", 0, "matrix", 1, "window"), 11),
        (("rule", 0, "gravity", "fire", "severity"), 13),
        (("rule", 0, "gravity", "fire", "urgency"), 13),
        (("rule", 0, "watch", "purpose"), 15),  # missing: the line of its table
        (("rule", 0, "watch", "labels", 1), 17),
        (("rule", 0, "watch", 'a "key"'), 19),
        (("rule", 1, "matrix", 1, "kinds", 0), 25),
    ],
)
def test_an_entry_of_a_list_or_an_inline_table_has_its_own_line(
    path: tuple[str | int, ...], line: int
) -> None:
    tomllib.loads(SPREAD)
    assert line_of(SPREAD, path) == line


@pytest.mark.parametrize("name", shipped_cities())
def test_every_key_of_a_shipped_city_is_found_in_its_line(name: str) -> None:
    text = (CITIES / f"{name}.toml").read_text(encoding="utf-8")
    lines, rows = lines_of(text), text.splitlines()
    places = list(places_in(tomllib.loads(text)))
    assert len(places) > 20
    for place in places:
        key = next(str(part) for part in reversed(place) if isinstance(part, str))
        assert place in lines
        if isinstance(place[-1], str):
            assert key in rows[lines[place] - 1]


def places_in(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, one in inner:
        yield (*place, part)
        yield from places_in(one, (*place, part))


@pytest.mark.parametrize("wrong", ["a = [", "[[", "= 5", "a", "{", "a = {", '"', "a = [" * 2000])
def test_a_text_that_is_no_toml_ends_the_search(wrong: str) -> None:
    assert line_of(wrong, ("a", 0)) >= 1
