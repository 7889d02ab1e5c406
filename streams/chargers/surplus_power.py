"""Windows of surplus energy, followed in ``energy.surplus``, as what they ask of the chargers of a city now."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from connectors.subjects.charger_list import ListedCharger
from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.wire import Wire
from streams.chargers.wishes import Circumstances, PowerWindow, RewardWindow
from streams.dropped_rows import DroppedRows
from streams.energy.charger_areas import areas_of
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.rewards import plain
from streams.energy.windows import Window, WindowTable, limits_now
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SURPLUS = "energy.surplus"


class SurplusPower:
    """Follows the windows of one city by *following*, and tells them as circumstances (``CircumstancesNow``)."""

    def __init__(
        self,
        city: str,
        numbers: EnergyNumbers,
        chargers: Mapping[str, ListedCharger],
        following: Following,
        *,
        wire: Wire,
        now_ms: Callable[[], int],
    ) -> None:
        self._numbers, self._now_ms = numbers, now_ms
        self._groups = groups_of(numbers, chargers)
        self._windows = WindowTable()
        self._lock = threading.Lock()
        self._reader = RowReader(wire, f"{city}.chargers.surplus")
        self._dropped = DroppedRows(f"{city}.chargers", SURPLUS)
        self._follower = Follower(
            "windows of surplus", topic_name(city, SURPLUS), following, begin=self._begin, take=self._take
        )

    def __call__(self) -> Circumstances | None:
        """The circumstances of now; ``None`` while they are not all read."""
        if self._follower.trouble is not None:
            return None
        now_ms = self._now_ms()
        with self._lock:
            on = [one for one in self._windows if one.is_on(now_ms)]
        return circumstances_of(on, now_ms, self._groups, self._numbers)

    def _begin(self) -> None:
        with self._lock:
            self._windows = WindowTable()
            self._dropped.begin()

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        with self._lock:
            for row in self._reader.rows(records):
                if row.value is None:
                    continue
                try:
                    self._windows.take(row.value)
                except Invalid as error:  # the stage of energy sets it aside
                    self._reader.refuse(row.record, error)
            self._dropped.seen(self._windows.dropped)


def groups_of(
    numbers: EnergyNumbers, chargers: Mapping[str, ListedCharger]
) -> Mapping[frozenset[str], frozenset[str]]:
    """The chargers by the areas in which they lie: all of a group are held alike."""
    found: defaultdict[frozenset[str], set[str]] = defaultdict(set)
    for one in chargers.values():
        place = None if one.place is None else {"lat": one.place[0], "lon": one.place[1]}
        found[areas_of(numbers, one.charger_id, place)].add(one.charger_id)
    return {areas: frozenset(ids) for areas, ids in found.items()}


def circumstances_of(
    windows: Sequence[Window],
    now_ms: int,
    groups: Mapping[frozenset[str], frozenset[str]],
    numbers: EnergyNumbers,
) -> Circumstances:
    """The limit and the reward of each group of chargers at *now_ms*."""
    powers, rewards = list[PowerWindow](), list[RewardWindow]()
    for areas, chargers in groups.items():
        held, paid = limits_now(windows, now_ms, areas)
        if held is not None and held.limit_w is not None:
            powers.append(PowerWindow(held.begins_ms, held.ends_ms, held.limit_w, chargers))
        if paid is not None:
            price = plain(numbers.price if paid.price is None else paid.price)
            rewards.append(RewardWindow(paid.begins_ms, paid.ends_ms, price, chargers))
    return Circumstances(windows=powers, rewards=rewards)
