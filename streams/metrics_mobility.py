"""The metrics of chargers, their energy, and hubs; the others, and the rules for labels, are in ``streams/metrics.py``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from streams.metrics import TRANSACTION_SECONDS

# -- the chargers --------------------------------------------------------------------------------------------------

chargers_connected = Gauge("bongsu_chargers_connected", "Chargers that are connected now", ["group"])
charger_calls = Counter(
    "bongsu_charger_calls",
    "Calls of chargers, by action and by outcome: answered, refused (CALLERROR), unanswered (not known to be durable)",
    ["group", "action", "outcome"],
)
charger_seconds = Histogram(
    "bongsu_charger_answer_seconds",
    "Time from a charger's frame to its answer",
    ["group"],
    buckets=TRANSACTION_SECONDS,
)
charger_orders = Counter(
    "bongsu_charger_orders",
    "Calls to chargers, by action and by outcome: the status of the answer, error (CALLERROR), silent (no answer in time)",
    ["group", "action", "outcome"],
)
charger_refusals = Counter(
    "bongsu_charger_refusals", "Connections of chargers that were refused, by reason", ["group", "reason"]
)
chargers_silent = Gauge("bongsu_chargers_silent", "Chargers that are told as silent", ["group"])

# -- the energy ------------------------------------------------------------------------------------------------

energy_rewards = Counter(
    "bongsu_energy_rewards", "Revisions of rewards for charging that were published", ["group", "state"]
)
energy_kwh = Gauge("bongsu_energy_kwh", "Energy of the rewards that are held, kWh", ["group"])
energy_sessions = Gauge("bongsu_energy_sessions", "Charging sessions held", ["group"])
energy_dropped = Counter(
    "bongsu_energy_dropped",
    "Charging sessions dropped because too many are held, those unheard of for longest",
    ["group"],
)

# -- the hubs ------------------------------------------------------------------------------------------------------

hub_boards = Counter("bongsu_hub_boards", "Boards of hubs that were published", ["group", "state"])
hubs_held = Gauge("bongsu_hubs_held", "Hubs that the stage of hubs holds", ["group"])
hubs_refused = Counter("bongsu_hubs_refused", "Rows of hubs beyond the most that are held", ["group"])
hub_ticks_ahead = Counter(
    "bongsu_hub_ticks_ahead", "Ticks from the future that the stage of hubs did not take", ["group"]
)
hub_pieces_dropped = Counter(
    "bongsu_hub_pieces_dropped",
    "Vehicles, trips, rides and notices forgotten because too many are held, those heard first",
    ["group"],
)
