"""Cameras of the city: where they stand, which way they look, how large their pictures are.

A detection without a place of its own takes its camera's. A vendor's name of a camera need not be the
city's; ``camera_ids`` maps the one to the other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.base import SourceContext
from connectors.formats.records import an_id, position
from schemas.errors import Fatal, Invalid
from schemas.validation import first_fault

LIST_BYTES_MAX = 64 * 1024 * 1024


class CameraAt(BaseModel):
    """One camera, as the city's file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float | None = Field(None, ge=-90, le=90, description="degrees north")
    lon: float | None = Field(None, ge=-180, le=180, description="degrees east")
    azimuth: float | None = Field(None, ge=0, lt=360, description="where it looks, degrees from north")
    width_px: int | None = Field(None, gt=0, description="width of the picture in which boxes are told")
    height_px: int | None = Field(None, gt=0, description="height of that picture")
    clock_error_s: float | None = Field(
        None, ge=0, description="seconds by which its clock may be off, either way"
    )


class CameraSettings(BaseModel):
    """Settings that every source of detections has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera_id: str | None = Field(None, min_length=1, description="the camera, where the messages name none")
    camera_ids: dict[str, str] = Field({}, description="what the source calls a camera → the city's id of it")
    cameras: dict[str, CameraAt] = Field(
        {}, description="the city's id of a camera → lat, lon, azimuth, width_px, height_px"
    )
    camera_list: Path | None = Field(
        None, description="a file of more cameras: CSV or JSON with camera_id and the same columns"
    )


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera, ready for use: *position* in the form of an event, ``None`` when it is not known."""

    camera_id: str
    position: Mapping[str, Any] | None = None
    width_px: int | None = None
    height_px: int | None = None
    clock_error_s: float | None = None


class Cameras:
    """The cameras of a source, by the names that the source gives them."""

    KEPT_MAX = 100_000

    def __init__(self, context: SourceContext, settings: CameraSettings) -> None:
        """``Fatal`` when the list cannot be read or a camera lies outside the city."""
        listed = {} if settings.camera_list is None else read_camera_list(settings.camera_list)
        every = {**listed, **settings.cameras}
        self._known = {camera_id: _camera(context, camera_id, at) for camera_id, at in every.items()}
        self._ids = settings.camera_ids
        self._default = settings.camera_id
        self._met: dict[str, Camera] = {}

    def named(self, *names: str | None) -> Camera:
        """The camera that the first known of *names* means, else the first name as it is, with no place.

        ``Invalid`` where there is neither a name nor ``camera_id``.
        """
        said = [name for name in names if name]
        for name in said:
            camera = self._known.get(self._ids.get(name, name))
            if camera is not None:
                return camera
        mapped = next((self._ids[name] for name in said if name in self._ids), None)
        camera_id = mapped or (said[0] if said else self._default)
        if camera_id is None:
            raise Invalid(
                "no camera is named", field="camera_id", expected="a camera, or camera_id in the settings"
            )
        return self._known.get(camera_id) or self._met_first(camera_id)

    def knows(self, name: str | None) -> bool:
        """Whether the city's file names *name*."""
        return name is not None and (name in self._ids or name in self._known)

    def _met_first(self, camera_id: str) -> Camera:
        camera = self._met.get(camera_id)
        if camera is None:
            camera = Camera(camera_id)
            if len(self._met) < self.KEPT_MAX:
                self._met[camera_id] = camera
        return camera


def _camera(context: SourceContext, camera_id: str, at: CameraAt) -> Camera:
    try:
        where = position(context, at.lat, at.lon)
    except Invalid as error:
        raise Fatal(
            f"city {context.city}: source {context.source!r}: camera {camera_id!r}: {error.what}",
            hint="mend it under cameras, or in the camera_list",
        ) from None
    return Camera(camera_id, where, at.width_px, at.height_px, at.clock_error_s)


def read_camera_list(path: Path) -> dict[str, CameraAt]:
    """The cameras in a CSV or JSON file. ``Fatal`` names the file and what is wrong."""
    try:
        with path.open("rb") as file:
            text = file.read(LIST_BYTES_MAX).decode("utf-8-sig")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(io.StringIO(text)))
        found = {an_id(row["camera_id"], "camera_id"): CameraAt.model_validate(_told(row)) for row in rows}
        if not found:
            raise ValueError("an empty list")
        return found
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}", hint="put the camera list there") from None
    except ValidationError as error:
        raise Fatal(f"{path}: {first_fault(error)}", hint="mend the list") from None
    except (Invalid, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Fatal(
            f"{path} is no list of cameras",
            hint="write CSV with the heading camera_id,lat,lon,azimuth,width_px,height_px",
        ) from None


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that we know and that hold something."""
    return {name: row[name] for name in CameraAt.model_fields if row.get(name) not in (None, "")}
