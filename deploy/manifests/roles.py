"""The roles of a city's processes: order, resources, and whether several may run at once. All targets read them here."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.assembly.stage_names import STAGES
from deploy.assembly.stages import APART, has_gateway, stages_apart
from deploy.city.city import City


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of process: ``bongsu run CITY --stage <name>``.

    *after*: roles that are started before it where the city has them. No role needs another one to start; readers come
    first, so that nothing waits in Kafka at a start. *replicas_max*: so many may run with one name and home; ``None``: any
    number. Further gateways are replicas, with names and homes of their own. *memory_mb*: the most it may take.
    *compiles*: it makes machine code while it runs, so its memory may be writable and executable.
    """

    name: str
    title: str
    after: tuple[str, ...]
    memory_mb: int
    cpus: float
    replicas_max: int | None
    why: str
    compiles: bool = False
    files_max: int = 4_096

    @property
    def can_share(self) -> bool:
        """Whether several processes of this role divide the work between them."""
        return self.replicas_max is None


_ONCE = "a second process waits until the first one ends, and takes over"

ROLES = {
    role.name: role
    for role in (
        Role(
            "deliver",
            "deliveries to subscribers, and the live view",
            (),
            512,
            1.0,
            1,
            f"a subscriber is told in order by one process; {_ONCE}",
        ),
        Role(
            "situations",
            "rules: incidents and evidence to situations",
            ("deliver",),
            1_024,
            1.0,
            1,
            f"a city's situations have one writer; {_ONCE}",
        ),
        Role(
            "speed",
            "speeds of vehicles by cell and minute",
            ("situations",),
            512,
            1.0,
            1,
            f"a city's speeds have one writer; {_ONCE}",
        ),
        Role(
            "drones",
            "verdicts on drones",
            ("situations",),
            512,
            1.0,
            1,
            f"a city's verdicts have one writer; {_ONCE}",
        ),
        Role(
            "chargers",
            "the central system of OCPP: chargers connect",
            ("situations",),
            768,
            1.0,
            1,
            f"a charger's calls have one writer; {_ONCE}; each further one needs BONGSU_REPLICA",
            files_max=16_384,
        ),
        Role(
            "energy",
            "energy of charging, and its rewards",
            ("situations",),
            512,
            1.0,
            1,
            f"a city's rewards have one writer; {_ONCE}",
        ),
        Role(
            "hubs",
            "the boards of hubs",
            ("situations",),
            512,
            1.0,
            1,
            f"a city's boards have one writer; {_ONCE}",
        ),
        Role(
            "persons",
            "the searches of missing persons",
            ("situations",),
            2_048,
            1.0,
            1,
            f"a case has one search; {_ONCE}",
            compiles=True,
        ),
        Role(
            "match",
            "detections, plates and positions against the watches",
            ("situations",),
            2_048,
            2.0,
            None,
            "processes divide the partitions of the fast topics between them",
            compiles=True,
        ),
        Role(
            "gateway",
            "HTTP: agencies push, subscribers read",
            ("situations",),
            1_024,
            1.0,
            1,
            "its spool holds what it answered 202, on its volume; each further one needs its own home and BONGSU_REPLICA",
            files_max=65_536,
        ),
        Role(
            "ingest",
            "live sources, and the city's clock",
            ("match", "speed", "drones", "energy", "hubs", "persons", "situations"),
            768,
            1.0,
            1,
            f"a source is read by one process, at one place; {_ONCE}",
        ),
    )
}
"""The roles in the order in which a city's processes are started."""


def roles_of_city(city: City) -> list[Role]:
    """The roles that the city's file asks for, in the order of their start."""
    apart = stages_apart(city, STAGES)
    wanted = {stage for stage in STAGES if stage not in APART or stage in apart}
    if has_gateway(city):
        wanted.add("gateway")
    return [role for role in ROLES.values() if role.name in wanted]
