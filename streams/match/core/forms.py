"""The fields of each fast topic and their meaning to the match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Form:
    """The field names of one contract. *label*: a field; *fixed_label*: a constant instead. *subject*: the fields
    that together name the thing.

    *seen_by*: the field of the claiming device. Without *confidence*, observations are certain. *heights*: the fields of
    the lowest and highest height above the ground, then above the sea.
    """

    contract: str
    subject: tuple[str, ...]
    label: str = ""
    fixed_label: str = ""
    token: str | None = None
    confidence: str | None = None
    seen_by: str | None = None
    image_ref: str | None = None
    heights: tuple[str, ...] = ()

    def label_of(self, row: Mapping[str, Any]) -> str:
        return self.fixed_label or str(row[self.label])

    def subject_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the thing's own name (a track, a vehicle, a token), without its owner's."""
        name = row[self.subject[-1]]
        return None if name is None else str(name)


FORMS = (
    Form(
        "cctv.detection",
        ("camera_id", "track_id"),
        label="label",
        confidence="confidence",
        seen_by="camera_id",
    ),
    Form(
        "cctv.plate",
        ("plate_token",),
        fixed_label="licence_plate",
        token="plate_token",  # noqa: S106 (a field's name)
        confidence="confidence",
        seen_by="camera_id",
        image_ref="image_ref",
    ),
    Form("mobility.position", ("vehicle_id",), label="vehicle_type"),
    Form(
        "drone.position",
        ("drone_id",),
        fixed_label="drone",
        heights=("above_ground_low_m", "above_ground_high_m", "above_sea_low_m", "above_sea_high_m"),
    ),
)
TOPICS = {form.contract: number for number, form in enumerate(FORMS)}
