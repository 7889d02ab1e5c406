"""Settings of a simulated charger, and the ledger of what it did: each session with its registers. Values."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from connectors.formats.ocpp_calls import Version

SESSIONS_MAX = 10_000
"""Sessions that a ledger keeps; the oldest go first."""
LOST_MAX = 10_000
"""Numbers of lost messages that a session keeps."""


@dataclass(frozen=True, slots=True)
class ChargerPlan:
    """A charger with one connector, and how it behaves.

    *seed* and *charger_id* alone decide when sessions begin and end and what they draw. Spans are (least, most), in seconds
    or watts.

    - *interval_s*: between two readings of a session.
    - *heartbeat_s*: between heartbeats; ``None``: as the central system says.
    - *attempts_max*, *retry_s*: TransactionMessageAttempts and TransactionMessageRetryInterval.
    - *answer_s*: after which a call is sent again that nobody answered.
    - *lost_percent*: readings that the charger loses itself, after it numbered them.
    - *unheard_percent*: answers to messages of sessions that get lost.
    - *faults_s*: when it is out of order, (from, until) in seconds after its beginning, in order and apart.
    """

    charger_id: str
    version: Version
    seed: int
    interval_s: float = 60.0
    heartbeat_s: float | None = None
    session_s: tuple[float, float] = (900.0, 3_600.0)
    pause_s: tuple[float, float] = (300.0, 1_800.0)
    power_w: tuple[int, int] = (3_600, 22_000)
    attempts_max: int = 3
    retry_s: float = 10.0
    answer_s: float = 30.0
    lost_percent: float = 0.0
    unheard_percent: float = 0.0
    queue_max: int = 2_000
    faults_s: tuple[tuple[float, float], ...] = ()


@dataclass(slots=True)
class ChargingSession:
    """A session as the charger's own ledger holds it. Registers are Wh, as they are told.

    *transaction_id*: of 1.6 the number that came, ``None`` until then; of 2.0.1 the charger's own. *ids*: all that came.
    *readings*: those put into the queue. *lost*: the numbers (2.0.1) or times (1.6) of those that were not, or left it.
    *given_up*: messages that the central system refused too often.
    """

    number: int
    start_ms: int
    register_start_wh: Decimal
    power_w: int
    transaction_id: str | None = None
    stop_ms: int | None = None
    register_stop_wh: Decimal | None = None
    readings: int = 0
    next_seq: int = 0
    lost: list[int] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    given_up: int = 0

    @property
    def energy_wh(self) -> Decimal | None:
        """The energy of the session; ``None`` while it goes on."""
        return None if self.register_stop_wh is None else self.register_stop_wh - self.register_start_wh

    def lose(self, number: int) -> None:
        """Enter a message that will never be sent."""
        if len(self.lost) < LOST_MAX:
            self.lost.append(number)
