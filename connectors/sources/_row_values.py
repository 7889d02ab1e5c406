"""Part of ``mapped_rows``: rows of sensors, water levels and weather stations, as ``civil.observation``.

- The disaster rule compares a value with its row's threshold, else with ``threshold``, else with the rule's own number for
  that quantity: ``quantities`` maps the list's words to those that the rule knows.
- A sensor's id has the quantity behind it where a column names that (``gauge-7/rain``): the rule follows each id by itself,
  and a calm rain gauge says nothing of the river.
- A row without a value is counted: the sensor has none to tell. A value that is no number sets its row aside.
- Rows of a sensor are told in the order of their times. What was said before, and what is older than that, is counted.
"""

from __future__ import annotations

from collections import Counter

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import BOM
from connectors.formats.records import a_number, a_text, an_id, note_unknown, plausible_time, set_aside
from connectors.sources._mapping import ValueConfig
from connectors.sources._rows import OTHERS, Row, RowReader
from connectors.subjects.observations import Value, tell_values
from connectors.subjects.plausible import known_id
from schemas.errors import Invalid
from schemas.kinds import spoken

NO_VALUE = "no value"


class MappedValues:
    """A ``Reader`` of measured values."""

    def __init__(self, context: SourceContext, config: ValueConfig) -> None:
        self._context, self._config = context, config
        columns = config.columns
        self._rows = RowReader(context, config, columns, columns.sensor_id, columns.value, columns.threshold)
        self._quantities = {spoken(word): ours for word, ours in config.quantities.items()}

    def read(self, heard: Heard, place: Place) -> Reading:
        noted, skipped = Counter[str](), Counter[str]()

        def one(row: Row) -> Value | None:
            if self._rows.cell(row, self._config.columns.value) is None:
                skipped[NO_VALUE] += 1
                return None
            return self._value(row, heard.at_ms, noted)

        try:
            read, aside = self._rows.read_all(heard.body, one)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body.removeprefix(BOM), error)])
        if others := read.count(None) - skipped[NO_VALUE]:
            skipped[OTHERS] = others
        values = [value for value in read if value is not None]
        return tell_values(self._context, heard, place, values, aside=aside, skipped=+skipped, noted=noted)

    def _value(self, row: Row, at_ms: int | None, noted: Counter[str]) -> Value:
        columns, config = self._config.columns, self._config
        sensor = known_id(
            an_id(self._rows.cell(row, columns.sensor_id), columns.sensor_id), columns.sensor_id
        )
        quantity = self._quantity(row, noted)
        stated = self._rows.cell(row, columns.threshold)
        event_ms, accuracy_s = self._rows.time(row, noted)
        return Value(
            sensor_id=sensor if columns.quantity is None else f"{sensor}/{quantity}",
            quantity=quantity,
            value=a_number(self._rows.cell(row, columns.value), columns.value),
            unit=self._rows.text(row, columns.unit) or config.unit,
            threshold=config.threshold if stated is None else a_number(stated, str(columns.threshold)),
            place_name=self._rows.text(row, columns.place_name),
            event_ms=plausible_time(event_ms, at_ms, "time"),
            accuracy_s=accuracy_s,
            position=self._rows.position(row),
        )

    def _quantity(self, row: Row, noted: Counter[str]) -> str:
        said = self._rows.text(row, self._config.columns.quantity) or self._config.quantity
        word = a_text(said, self._config.columns.quantity or "quantity")
        if self._quantities and spoken(word) not in self._quantities and word != self._config.quantity:
            note_unknown(noted, "quantity", word)
        return self._quantities.get(spoken(word), word)
