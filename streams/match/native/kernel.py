"""A kernel for each writer's schema: payloads at addresses to columns of observations, or to the places of their
texts.

Its source is generated from the schema once and written to the user's cache, where numba keeps the compiled
code: a warm start compiles nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import platformdirs

from schemas.catalogue import Schema
from schemas.model import model_of
from streams.match.core.codes import code_of
from streams.match.core.forms import Form
from streams.match.native import load as loading
from streams.match.native.walk import CannotWalk, Walker

NEEDED = ("event_time", "received_time", "event_id")


@dataclass(frozen=True, slots=True)
class Kernel:
    """The functions ``observe(payload, size, group, number, columns…)`` and ``locate(payload, size, at,
    which, address, size, accuracy)``.
    """

    observe: Any
    locate: Any


def kernel_of(form: Form, writer: Schema) -> Kernel:
    """Return the kernel, compiled or from the cache. ``CannotWalk`` for a schema that only the row decoder can read."""
    source = source_of(form, writer)
    module = _module(source)
    return Kernel(module.observe, module.locate)


def source_of(form: Form, writer: Schema) -> str:
    """Return the source of the kernel's module."""
    want = {
        "position.lat": "lat",
        "position.lon": "lon",
        "event_time": "time",
        "received_time": "received",
    }
    for number, name in enumerate(form.subject):
        want[name] = f"subject{number}"
    if form.label:
        want[form.label] = "label"
    if form.token and form.token not in want:
        want[form.token] = "token"
    if form.confidence:
        want[form.confidence] = "confidence"
    for number, name in enumerate(form.heights):
        want[name] = f"height{number}"
    model = model_of(writer)
    watching, naming = Walker(want), Walker(_words(form))
    walk, words = watching.text(model), naming.text(model)
    for name in NEEDED:
        if name not in watching.found | naming.found:
            raise CannotWalk(f"no {name}")
    for name in (*form.subject, form.label):
        if name and name not in watching.found:
            raise CannotWalk(f"no {name}")
    subjects = [f"subject{number}" for number in range(len(form.subject))]
    token = _variable(form.token, want)
    label = f"np.uint64({code_of(form.fixed_label)})" if form.fixed_label else "coded(label_p, label_n)"
    subject = f"coded({subjects[0]}_p, {subjects[0]}_n)"
    for one in subjects[1:]:
        subject = f"joined({subject}, coded({one}_p, {one}_n))"
    texts = {name for name in want.values() if name.startswith(("subject", "label", "token"))}
    heights = "".join(f", height{number}" for number in range(len(form.heights)))
    return _TEMPLATE.format(
        texts="\n".join(f"    {name}_p = {name}_n = np.int64(0)" for name in sorted(texts)),
        confidence="np.nan" if form.confidence else "1.0",
        walk=walk.replace(
            "return FAIL",
            f"return (False, lat, lon, time, received, ZERO, ZERO, ZERO, confidence{heights})",
        ),
        heights=heights,
        unknown="\n".join(f"    height{number} = np.nan" for number in range(len(form.heights))),
        put="\n".join(
            f"        heights[m, {number}] = found[{9 + number}]" for number in range(len(form.heights))
        ),
        label=label,
        token="ZERO" if token is None else f"coded({token}_p, {token}_n)",
        subject=subject,
        words=words.replace("return FAIL", "return " + _WORDS),
    )


def _words(form: Form) -> dict[str, str]:
    want = {"event_id": "t0", "source": "t1", "position.accuracy_m": "accuracy"}
    names = (form.label, form.token, form.subject[-1], form.seen_by, form.image_ref)
    for variable, name in zip(("t2", "t3", "t4", "t5", "t6"), names, strict=True):
        if name and name not in want:
            want[name] = variable
    return want


def _variable(name: str | None, want: dict[str, str]) -> str | None:
    return want.get(name) if name else None


def _module(source: str) -> ModuleType:
    """Load *source* as a module in a file of its own, beside which numba keeps the compiled code."""
    told = f"{numba.__version__}|{sys.version}|{source}".encode() + Path(loading.__file__).read_bytes()
    name = f"bongsu_kernel_{hashlib.sha256(told).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    folder = platformdirs.user_cache_path("bongsu") / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.py"
    if not file.is_file():
        _write(file, source)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CannotWalk("its kernel cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _write(file: Path, source: str) -> None:
    """Write the file atomically: two workers may start at once."""
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(source)
    Path(name).replace(file)


_TEXTS = ", ".join(f"t{number}_p, t{number}_n" for number in range(7))
_WORDS = f"(False, {_TEXTS}, accuracy)"
_TEMPLATE = '''"""Made from an Avro schema."""
import numpy as np
from numba import njit

from streams.match.native.load import code, f32, f64, is_text, joined, u8, varint

ZERO = np.uint64(0)


@njit
def coded(p, n):
    if p == 0:
        return ZERO
    return code(p, n)


@njit
def one(p, end):
    lat = lon = np.nan
    time = received = np.int64(0)
    confidence = {confidence}
{unknown}
{texts}
{walk}
    return (p == end, lat, lon, time, received, {label}, {token}, {subject}, confidence{heights})


@njit(nogil=True, cache=True)
def observe(
    payload, size, group, number, size_max, sure, lat, lon, time, received, label, token, subject, confidence, heights
):
    for m in range(len(payload)):
        if group[m] != number or size[m] > size_max:
            continue
        p = payload[m]
        found = one(p + 5, p + size[m])
        lat[m], lon[m], time[m], received[m] = found[1], found[2], found[3], found[4]
        label[m], token[m], subject[m], confidence[m] = found[5], found[6], found[7], found[8]
{put}
        sure[m] = found[0]


@njit
def words_of(p, end):
    t0_p = t0_n = t1_p = t1_n = t2_p = t2_n = t3_p = t3_n = np.int64(0)
    t4_p = t4_n = t5_p = t5_n = t6_p = t6_n = np.int64(0)
    accuracy = np.nan
{words}
    return (p == end, t0_p, t0_n, t1_p, t1_n, t2_p, t2_n, t3_p, t3_n, t4_p, t4_n, t5_p, t5_n, t6_p, t6_n, accuracy)


@njit(nogil=True, cache=True)
def locate(payload, size, at, which, address, length, accuracy):
    for i in which:
        p = payload[at[i]]
        found = words_of(p + 5, p + size[at[i]])
        address[0, i] = found[1]
        length[0, i] = found[2]
        address[1, i] = found[3]
        length[1, i] = found[4]
        address[2, i] = found[5]
        length[2, i] = found[6]
        address[3, i] = found[7]
        length[3, i] = found[8]
        address[4, i] = found[9]
        length[4, i] = found[10]
        address[5, i] = found[11]
        length[5, i] = found[12]
        address[6, i] = found[13]
        length[6, i] = found[14]
        accuracy[i] = found[15]
'''
