"""Which field of a fast topic means what to the match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Form:
    """*label*: a field, or with *fixed_label* the word itself. *subject*: the fields that together name the thing.

    *seen_by*: who claims it. Without *confidence* an observation is certain.
    """

    contract: str
    subject: tuple[str, ...]
    label: str = ""
    fixed_label: str = ""
    token: str | None = None
    confidence: str | None = None
    seen_by: str | None = None
    image_ref: str | None = None

    def label_of(self, row: Mapping[str, Any]) -> str:
        return self.fixed_label or str(row[self.label])

    def subject_of(self, row: Mapping[str, Any]) -> str | None:
        """The thing's name, without whose name it is: a track, a vehicle, a token."""
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
    Form("drone.position", ("drone_id",), fixed_label="drone"),
)
TOPICS = {form.contract: number for number, form in enumerate(FORMS)}
