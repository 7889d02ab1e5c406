"""The table of all modules that read a topic, and what they read. ``tests/unit/streams/test_reads.py`` keeps it complete."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.catalogue import load_catalogue
from streams import effect_telling, replay, situations_stage, speed_stage
from streams.match.forms import FORMS

FAST = {form.contract for form in FORMS} & {*load_catalogue()}

STAGES: Mapping[str, tuple[str, str, set[str]]] = {
    "streams/ingest.py": ("gateway", "ingest.reports", {"source.place", "core.source"}),
    "streams/situations_stage.py": ("stages", "situations", {"core.state", *situations_stage.INPUTS}),
    "streams/speed_stage.py": (
        "speed",
        "speed",
        {speed_stage.TICK, speed_stage.POSITION, speed_stage.SPEED},
    ),
    "streams/matching/watching.py": ("match", "match", {"core.watch"}),
    "streams/matching/reader.py": ("match", "match", FAST),
    "streams/live_view.py": ("stages", "live-view", {"core.situation"}),
    "streams/effect_telling.py": ("stages", "effects", set(effect_telling.FIELDS)),
    "streams/known_accounts.py": ("gateway", "gateway.accounts", {"core.account"}),
    "streams/desk.py": ("gateway", "gateway.situations", {"core.state"}),
}
"""Module → the worker in which it runs, the name of its counter, the contracts that it reads."""

COMMANDS: Mapping[str, set[str]] = {
    "streams/replay.py": {"core.journal", *replay.COMPARED},
    "streams/journal_export.py": {"core.journal", *replay.COMPARED},
    "deploy/account_rows.py": {"core.account"},
    "deploy/source_states.py": {"core.source"},
    "deploy/cli/situation.py": {"core.situation", "core.alert", "core.grant", "core.dispatch", "core.filing"},
    "deploy/cli/effects.py": {"core.effect", "core.alert", "core.situation", "core.grant"},
    "deploy/cli/demo.py": {"core.situation", "core.alert", "core.grant"},
    "deploy/setting_aside.py": {"source.dlq"},
    "deploy/reading.py": set(),
    "deploy/cli/tail.py": set(),
    "deploy/playing.py": {"core.journal"},
}
"""The same for commands; an empty set: any topic, by an argument."""

WRITES: Mapping[str, set[str]] = {
    "streams/ingest.py": {"source.dlq", "core.tick", "place.camera"},
    "deploy/playing.py": {"core.tick"},
    "streams/effect_telling.py": {"core.effect"},
    "streams/desk.py": {"core.action"},
    "streams/situations_stage.py": {"core.journal"},
}
"""Contracts that a module names and only writes."""
