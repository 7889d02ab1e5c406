"""The table of all modules that read a topic, and what they read. ``tests/unit/streams/test_reads.py`` keeps it complete."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.subscribers import DELIVERED, STREAMED
from schemas.catalogue import load_catalogue
from streams.journal import replay
from streams.match.core.forms import FORMS
from streams.stages import drones as drones_stage
from streams.stages import effects as effect_telling
from streams.stages import energy as energy_stage
from streams.stages import hubs as hubs_stage
from streams.stages import persons as persons_stage
from streams.stages import persons_known
from streams.stages import situations as situations_stage
from streams.stages import speed as speed_stage

FAST = {form.contract for form in FORMS} & {*load_catalogue()}

STAGES: Mapping[str, tuple[str, str, set[str]]] = {
    "streams/ingest/ingest.py": ("gateway", "ingest.reports", {"source.place", "core.source"}),
    "streams/stages/situations.py": ("stages", "situations", {"core.state", *situations_stage.INPUTS}),
    "streams/stages/listed_again.py": ("stages", "situations", {"place.zone", "police.wanted"}),
    "streams/stages/speed.py": (
        "speed",
        "speed",
        {speed_stage.TICK, speed_stage.POSITION, speed_stage.SPEED},
    ),
    "streams/stages/drones.py": (
        "drones",
        "drones",
        {drones_stage.TICK, drones_stage.POSITION, drones_stage.VERDICT},
    ),
    "streams/chargers/ledger.py": ("chargers", "chargers", {"source.place"}),
    "streams/chargers/surplus_power.py": ("chargers", "chargers.surplus", {"energy.surplus"}),
    "streams/stages/energy.py": (
        "energy",
        "energy",
        {energy_stage.TICK, energy_stage.CHARGE, energy_stage.SURPLUS, energy_stage.REWARD},
    ),
    "streams/chargers/charger_takeover.py": ("chargers", "chargers.neighbours", {"source.place"}),
    "streams/chargers/closures_now.py": ("chargers", "chargers", {"core.closure"}),
    "streams/stages/hubs.py": (
        "hubs",
        "hubs",
        {"core.tick", *hubs_stage.BESIDE, hubs_stage.BOARD},
    ),
    "streams/stages/persons_known.py": (
        "persons",
        "persons",
        {"core.tick", *persons_stage.BESIDE, persons_known.CANDIDATE, persons_known.ROUTE},
    ),
    "streams/sightings/past_rows.py": ("persons", "persons", {"cctv.person"}),
    "streams/match/worker/watches.py": ("match", "match", {"core.watch"}),
    "streams/match/worker/reader.py": ("match", "match", FAST),
    "streams/stages/live_view.py": ("stages", "live-view", {"core.situation"}),
    "streams/stages/effects.py": ("stages", "effects", set(effect_telling.FIELDS)),
    "streams/stages/deliver.py": ("stages", "deliver", {"core.delivery"}),
    "streams/stages/deliver_roster.py": ("stages", "deliver", {"core.subscription"}),
    "streams/stages/deliver_cap.py": ("stages", "deliver", {"core.alert"}),
    "streams/stages/deliver_accounts.py": ("stages", "deliver", {"core.account"}),
    "streams/stages/deliver_log.py": ("stages", "deliver", {*DELIVERED}),
    "streams/operators/accounts.py": ("gateway", "gateway.accounts", {"core.account"}),
    "streams/operators/desk.py": ("gateway", "gateway.situations", {"core.state"}),
    "streams/operators/ride_desk.py": ("gateway", "gateway.bookings", {"mobility.booking"}),
    "streams/operators/surplus_log.py": ("gateway", "gateway.surplus", {"energy.surplus"}),
    "streams/operators/closure_desk.py": ("gateway", "gateway.closures", {"core.closure"}),
    "streams/operators/case_log.py": (
        "gateway",
        "gateway.cases",
        {"police.missing", "core.access", "core.candidate", "core.route", "core.action"},
    ),
    "streams/operators/known_access.py": ("gateway", "gateway.known-access", {"core.access"}),
    "streams/operators/granted.py": ("gateway", "gateway.grants", {"core.grant"}),
    "streams/operators/subscription_desk.py": (
        "gateway",
        "gateway.subscriptions",
        {"core.subscription", "core.delivery"},
    ),
    "streams/operators/readings.py": ("gateway", "gateway.reads", {*DELIVERED, "place.camera"}),
    "streams/operators/figures.py": (
        "gateway",
        "gateway.figures",
        {"core.situation", "core.alert", "core.access"},
    ),
    "streams/operators/published.py": ("gateway", "gateway.alerts", {"core.alert"}),
    "streams/operators/event_log.py": ("gateway", "gateway.events", {*STREAMED}),
    "streams/operators/recorded_log.py": ("gateway", "gateway.recorded", {*DELIVERED}),
    "streams/operators/access.py": ("gateway", "gateway.access", {"core.access"}),
    "streams/operators/hub_log.py": ("gateway", "gateway.hubs", {"core.hub"}),
    "streams/operators/fleet_log.py": ("gateway", "gateway.fleet", {"mobility.position", "mobility.hub"}),
}
"""Module → the worker in which it runs, the name of its counter, the contracts that it reads."""

COMMANDS: Mapping[str, set[str]] = {
    "streams/journal/replay.py": {"core.journal", *replay.COMPARED},
    "streams/journal/export.py": {"core.journal", *replay.COMPARED},
    "deploy/account_rows.py": {"core.account"},
    "deploy/subscription_rows.py": {"core.subscription", "core.delivery", *DELIVERED},
    "deploy/closed_cases.py": {"police.missing", "core.action", "core.candidate", "core.route"},
    "deploy/source_states.py": {"core.source"},
    "deploy/cli/audit.py": {"core.access"},
    "deploy/cli/situation.py": {
        "core.situation",
        "core.alert",
        "core.grant",
        "core.dispatch",
        "core.track",
        "core.filing",
    },
    "deploy/cli/effects.py": {"core.effect", "core.alert", "core.situation", "core.grant", "core.access"},
    "deploy/cli/demo.py": {"core.situation", "core.alert", "core.grant", "core.track"},
    "deploy/assembly/retry.py": {"source.dlq"},
    "deploy/topic_values.py": {"core.journal"},
    "deploy/cli/tail.py": set(),
    "deploy/demo/play.py": {"core.journal"},
}
"""The same for commands; an empty set: any topic, by an argument."""

WRITES: Mapping[str, set[str]] = {
    "streams/ingest/ingest.py": {"source.dlq"},
    "deploy/demo/play.py": {"core.tick"},
    "streams/stages/effects.py": {"core.effect"},
    "streams/operators/desk.py": {"core.action"},
    "streams/stages/situations.py": {"core.journal"},
}
"""Contracts that a module names and only writes."""
