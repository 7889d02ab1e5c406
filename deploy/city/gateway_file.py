"""``[gateway]`` of a city's file."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from pydantic import Field, field_validator, model_validator

from deploy.city.strict import Strict


class GatewayFile(Strict):
    """``[gateway]``: the address to which agencies push, and its limits."""

    host: str = Field(
        "127.0.0.1", description="where it listens; beyond loopback with TLS, its own or a proxy's"
    )
    port: int | None = Field(None, ge=1, le=65535, description="none: a free one, kept in the home folder")
    tls_certificate: str | None = Field(
        None, description="file of its certificate and the chain above it: then it ends TLS itself"
    )
    tls_key: str | None = Field(None, description="file of the certificate's key, for its owner alone")
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="addresses or networks of proxies before it: X-Forwarded-For is heeded from these only",
    )
    body_bytes_max: int = Field(4 << 20, ge=1_024, le=64 << 20, description="a longer body is refused")
    ticket_s: int = Field(60, ge=1, le=600, description="how long a ticket for video waits for its first use")
    spool_bytes_max: int = Field(1 << 30, ge=1 << 20, description="what may wait on disk while Kafka is away")
    streams_max: int = Field(4_096, ge=1, le=20_000, description="streams of server-sent events at once")
    streams_of_account_max: int = Field(1_024, ge=1, le=20_000, description="and those of one account")
    heartbeat_s: float = Field(15.0, ge=1, le=120, description="a stream is never silent for longer")
    recent_events_max: int = Field(
        4_096, ge=1, le=100_000, description="events kept in memory: streams resume from them at once"
    )
    gbfs_public: bool = Field(False, description="whether anybody may read the city's GBFS, without a key")
    gbfs_sources: tuple[str, ...] = Field(
        (), description="sources whose vehicles GBFS tells; none named: of all, but no cars"
    )
    gbfs_contact: str | None = Field(
        None,
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        description="e-mail address for faults of the GBFS feeds; none: gbfs@<name>.invalid",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for one in named:
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(
                    f"{one!r} is no address or network such as 10.0.0.7 or 10.0.0.0/24"
                ) from error
        return named

    @model_validator(mode="after")
    def _both(self) -> GatewayFile:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: give both or neither")
        return self

    @property
    def ends_tls(self) -> bool:
        return self.tls_certificate is not None

    def is_proxy(self, address: str) -> bool:
        """Whether *address* is one of ``trusted_proxies``."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in ip_network(one) for one in self.trusted_proxies)

    @property
    def is_in_the_open(self) -> bool:
        """Whether keys may cross a network as plain text: it listens beyond loopback without TLS, and no proxy is named."""
        is_local = self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"
        return not is_local and not self.trusted_proxies and not self.ends_tls
