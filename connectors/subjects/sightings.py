"""Events of people whom cameras see: attributes, never a face, a picture or a vector. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.base import SourceContext
from connectors.formats.records import a_text, plausible_time
from connectors.formats.times import iso_ms
from connectors.subjects.cameras import Camera
from connectors.subjects.detections import Told
from connectors.subjects.plausible import UNKNOWN_IDS
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

TOPIC = "cctv.person"
REF_LETTERS_MAX = 500


class Sightings:
    """Builder of one source's sightings by the *analytic* that says them."""

    def __init__(self, context: SourceContext, analytic: str) -> None:
        self._city, self._source, self._analytic = context.city, context.source, analytic

    def tell(
        self,
        told: Told,
        camera: Camera,
        event_ms: int,
        identity: Iterable[object],
        track_id: str | None,
        attributes: Sequence[Mapping[str, Any]] = (),
        position: Mapping[str, Any] | None = None,
        *,
        case_id: str | None = None,
        score: float | None = None,
        crop: Mapping[str, Any] | None = None,
        said: Iterable[object] = (),
    ) -> None:
        """Add one sighting to *told*. ``Invalid`` for a time that cannot be, and for a score without its case.

        *identity*: the source's own ids of it beside camera and track. *said* joins it where nobody tracks the person.
        """
        if (case_id is None) != (score is None):
            raise Invalid("a score answers one case's query", field="score", expected="a score and its case")
        if track_id in UNKNOWN_IDS:
            track_id = None
        if track_id is None:
            identity = (*identity, *said)
        plausible_time(event_ms, told.at_ms, "event_time")
        event_id = derived_id(self._city, self._source, TOPIC, camera.camera_id, track_id, case_id, *identity)
        if not told.is_new(event_id):
            return
        value = event_fields(
            self._city,
            self._source,
            event_id=event_id,
            event_time_ms=event_ms,
            received_ms=event_ms if told.at_ms is None else told.at_ms,
            position=camera.position if position is None else position,
            accuracy_s=camera.clock_error_s,
        )
        value |= {
            "camera_id": camera.camera_id,
            "track_id": track_id,
            "analytic": self._analytic,
            "attributes": [*attributes],
            "crop": crop,
            "clock_error_s": camera.clock_error_s,
            "case_id": case_id,
            "score": score,
        }
        told.events.append(Event(TOPIC, camera.camera_id, value))


def crop_of(said: Any, event_ms: int) -> dict[str, Any] | None:
    """A reference to a picture, and when its keeper deletes it. ``Invalid`` for a picture itself."""
    if said is None:
        return None
    if not isinstance(said, dict):
        raise Invalid("the crop is no object", field="crop", expected="ref and expires_at")
    ref = a_text(said.get("ref"), "crop.ref")
    if ref.lower().startswith("data:") or len(ref) > REF_LETTERS_MAX:
        raise Invalid("the crop is no reference", field="crop.ref", expected="a name or address, no picture")
    expires_at = iso_ms(said.get("expires_at"), "crop.expires_at")
    if expires_at <= event_ms:
        raise Invalid("the crop ends before it was taken", field="crop.expires_at", expected="a later time")
    return {"ref": ref, "expires_at": expires_at}
