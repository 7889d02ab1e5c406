"""Boxes as cameras send them: shares of the picture, or pixels."""

from __future__ import annotations

import pytest

from connectors.subjects.cameras import Camera
from connectors.subjects.detections import Told, box_in_pixels, box_of
from schemas.errors import Invalid

HD = Camera("C-1", None, 1000, 500)
UNKNOWN = Camera("C-2", None, None, None)


def test_whole_numbers_and_broken_ones_give_the_same_box() -> None:
    assert box_of(0, 0, 1, 1, Told(None)) == box_of(0.0, 0.0, 1.0, 1.0, Told(None))
    assert box_in_pixels(HD, 100, 100, 600, 400, Told(None)) == box_of(0.1, 0.2, 0.6, 0.8, Told(None))


def test_a_box_that_sticks_out_a_little_is_cut_at_the_border() -> None:
    assert box_of(-0.04, 0, 0.5, 1.02, Told(None)) == {"x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}


@pytest.mark.parametrize("edge", [None, "0.2", True, [0.2], {}])
@pytest.mark.parametrize("place", range(4))
def test_an_edge_that_is_no_number_is_refused_wherever_the_others_lie(edge: object, place: int) -> None:
    for others in ([0.1, 0.1, 0.5, 0.5], [9.0, 9.0, 9.5, 9.5]):
        edges: list[object] = [*others[:place], edge, *others[place + 1 :]]
        left, top, right, bottom = edges
        with pytest.raises(Invalid, match="no number"):
            box_of(left, top, right, bottom, Told(None))
        with pytest.raises(Invalid, match="no number"):
            box_in_pixels(HD, left, top, right, bottom, Told(None))


def test_a_box_outside_its_picture_or_of_one_of_unknown_size_is_noted() -> None:
    told = Told(None)
    assert box_of(0.5, 0.5, 1.2, 0.6, told) is None
    assert box_of(float("nan"), 0.5, 0.6, 0.6, told) is None
    assert box_in_pixels(UNKNOWN, 1, 1, 2, 2, told) is None
    assert told.noted == {"box outside its picture": 2, "box in pixels of a picture of unknown size": 1}
