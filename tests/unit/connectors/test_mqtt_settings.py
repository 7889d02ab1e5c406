"""Settings of MQTT: the cheap version unless a source asks for the other, and nothing set that would not hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.transport.mqtt import MqttSettings

BROKER = {"host": "b", "topics": ["porch/+"]}


def test_a_source_speaks_311_unless_it_asks_for_5() -> None:
    assert MqttSettings.model_validate(BROKER).version == "3.1.1"
    assert (
        MqttSettings.model_validate({**BROKER, "version": "5", "session_expiry_s": 60}).session_expiry_s == 60
    )


def test_an_expiry_that_the_version_does_not_know_is_refused_and_says_how_to_mend_it() -> None:
    with pytest.raises(ValidationError, match='set version = "5" beside it'):
        MqttSettings.model_validate({**BROKER, "session_expiry_s": 60})
