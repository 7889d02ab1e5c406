"""Assemble what the gateway serves in CAP: the alerts, read from their topic, and the city as a sender."""

from __future__ import annotations

from connectors.gateway.cap import CapPart
from connectors.gateway.published import PublishedAlerts
from connectors.transport.web_page import wall_clock_ms
from deploy.city.cap import publisher_of, signer_of
from deploy.city.city import City, with_secrets
from deploy.platform import Platform
from streams.operators.published import FollowedAlerts
from streams.runtime.follower import Following


def cap_of(city: City, platform: Platform, following: Following) -> CapPart:
    """The part of the gateway; *following* reads the alerts for it."""
    alerts = PublishedAlerts(publisher_of(city.file, city.rules.spoken))
    followed = FollowedAlerts(city.name, alerts, following, wire=platform.wire)
    about = with_secrets(city.file.cap.model_dump(include={"key", "certificate"}), "[cap]")
    return CapPart(
        alerts,
        wall_clock_ms(),
        trouble=lambda: followed.trouble,
        sign=signer_of(about, city.name),
        url=city.file.cap.url,
    )
