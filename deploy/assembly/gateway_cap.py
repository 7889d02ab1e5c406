"""Assemble what the gateway serves in CAP: the alerts, read from their topic, and the city as a sender."""

from __future__ import annotations

from collections.abc import Callable

from connectors.gateway.cap import CapPart
from connectors.gateway.published import PublishedAlerts
from connectors.transport.web_page import wall_clock_ms
from deploy.city.cap import publisher_of, signer_of
from deploy.city.city import City, with_secrets
from deploy.platform import Platform
from streams.operators.published import FollowedAlerts


def cap_of(city: City, platform: Platform, before: Callable[[], object]) -> tuple[CapPart, FollowedAlerts]:
    """The part of the gateway, and what reads the alerts for it, to be started and ended with the gateway."""
    alerts = PublishedAlerts(publisher_of(city.file, city.rules.spoken))
    followed = FollowedAlerts(city.name, alerts, bootstrap=platform.kafka, wire=platform.wire, before=before)
    about = with_secrets(city.file.cap.model_dump(include={"key", "certificate"}), "[cap]")
    part = CapPart(
        alerts,
        wall_clock_ms(),
        trouble=lambda: followed.trouble,
        sign=signer_of(about, city.name),
        url=city.file.cap.url,
    )
    return part, followed
