"""Retention, cleanup and personal data of every topic, written down apart from the topics' files."""

from __future__ import annotations

from schemas.catalogue import DLQ, TOPICS, load_catalogue, read_contract

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

HOURS_KEPT = {
    # an agency's case, what cameras claim and what the platform makes of them: 30 days, the usual limit for footage in Korea
    "police.incident": 30 * 24,
    "fire.incident": 30 * 24,
    "civil.incident": 30 * 24,
    "civil.observation": 30 * 24,
    "cctv.detection": 30 * 24,
    "cctv.plate": 30 * 24,
    "mobility.booking": 30 * 24,
    "mobility.charge": 30 * 24,
    "mobility.hub": 30 * 24,
    "mobility.trip": 30 * 24,
    "core.alert": 30 * 24,
    "core.candidate": 30 * 24,
    "core.dispatch": 30 * 24,
    "core.evidence": 30 * 24,
    "core.filing": 30 * 24,
    "core.grant": 30 * 24,
    "core.journal": 30 * 24,
    "core.route": 30 * 24,
    "core.shadow": 30 * 24,
    "core.situation": 30 * 24,
    "core.track": 30 * 24,
    "dlq": 30 * 24,
    "drone.verdict": 30 * 24,
    "energy.reward": 30 * 24,
    "energy.surplus": 30 * 24,
    # where a protected person or a vehicle was: a week
    "civil.vulnerable": 7 * 24,
    "drone.footprint": 7 * 24,
    "drone.position": 7 * 24,
    "mobility.position": 7 * 24,
    "mobility.speed": 7 * 24,
    # how a person looked and where: a day
    "cctv.person": 24,
    # who did what: two years (Korea's access log of sensitive data)
    "core.access": 730 * 24,
    "core.action": 730 * 24,
    # the clock
    "core.tick": 1,
}
COMPACTED = {
    "core.account",
    "core.delivery",
    "core.effect",
    "core.closure",
    "core.hub",
    "core.source",
    "core.state",
    "core.subscription",
    "core.watch",
    "drone.mission",
    "place.camera",
    "place.hub",
    "place.site",
    "place.zone",
    "police.missing",
    "police.wanted",
    "source.place",
}
"""The newest row of each key stays; a row goes when its key is deleted."""
IDENTIFYING = {
    "police.incident": {"address"},
    "fire.incident": {"address"},
    "civil.incident": {"address"},
    "civil.vulnerable": {"person_ref", "guardian_ref", "photo_ref", "consent_ref"},
    "cctv.detection": {"attributes", "track_id"},
    "cctv.person": {"track_id", "attributes", "crop", "case_id", "score"},
    "cctv.plate": {"plate_token", "image_ref", "track_id"},
    "police.missing": {"agency_case_no", "requester", "attributes", "photo_ref", "sealed"},
    "police.wanted": {"tokens", "candidate_tokens"},
    "mobility.booking": {"vehicle_id", "assigned_by"},
    "mobility.charge": {"transaction_id"},
    "energy.reward": {"transaction_id"},
    "energy.surplus": {"announced_by"},
    "mobility.position": {"vehicle_id", "label"},
    "drone.footprint": {"drone_id"},
    "drone.mission": {"drone_id", "pilot", "registration"},
    "drone.position": {"drone_id", "transmitter", "operator_id"},
    "drone.verdict": {"drone_id", "transmitter", "nearest_own"},
    "core.access": {"account_id", "address", "reason"},
    "core.account": {"account_id", "name", "oidc_subject"},
    "core.action": {"account_id", "reason"},
    "core.closure": {"account_id"},
    "core.alert": {"references"},
    "core.candidate": {"sighting_id", "track_id", "score", "attributes", "crop", "sealed"},
    "core.delivery": {"receiver"},
    "core.dispatch": {"notes.account_id", "notes.text"},
    "core.evidence": {"subject", "label", "image_ref"},
    "core.filing": {"filed_by.account_id"},
    "core.journal": {"body"},
    "core.route": {"hops.confirmed_by", "sealed"},
    "core.shadow": {"body"},
    "core.situation": {
        "acknowledged_by",
        "taken_by",
        "reason",
        "incidents.address",
        "actions.account_id",
        "actions.reason",
    },
    "core.state": {"body"},
    "core.subscription": {"name", "who", "settings", "account_id"},
    "core.watch": {"tokens", "inside.seen_by", "inside.subject"},
    "source.place": {"place"},
    "dlq": {"original", "before", "after"},
}
"""Without its purpose none of these leaves."""
LOCATED = {
    "police.incident": {"position"},
    "fire.incident": {"position"},
    "civil.incident": {"position"},
    "civil.observation": {"position"},
    "civil.vulnerable": {"position"},
    "cctv.detection": {"bounding_box", "position"},
    "cctv.person": {"position"},
    "cctv.plate": {"bounding_box", "position"},
    "police.missing": {"position", "area", "last_seen"},
    "police.wanted": {"position"},
    "mobility.booking": {"position", "pickup", "dropoff"},
    "mobility.position": {"position"},
    "drone.footprint": {"position", "corners", "centre"},
    "drone.mission": {"position", "area"},
    "drone.position": {"position", "operator_position"},
    "drone.verdict": {"position", "operator_position"},
    "core.alert": {"position", "area"},
    "core.candidate": {"position", "camera_id", "seen_at"},
    "core.dispatch": {"position"},
    "core.evidence": {"position"},
    "core.filing": {"position"},
    "core.grant": {"position"},
    "core.route": {"position", "hops.camera_id", "hops.position", "gaps", "next_cameras"},
    "core.shadow": {"position"},
    "core.situation": {"position", "incidents.position", "evidence.position"},
    "core.subscription": {"area"},
    "core.track": {"position", "hits", "next_cameras"},
    "core.watch": {"position", "centre", "polygon", "areas.outline", "areas.holes.corners"},
}
NOT_PERSONAL = {
    "police.incident": {"kind_text", "closed_reason"},
    "fire.incident": {"kind_text", "closed_reason"},
    "civil.incident": {"kind_text", "closed_reason", "warning.geometry"},
    "civil.observation": {"place_name"},
    "cctv.detection": {"label_text"},
    "core.access": {"position"},
    "core.account": {"position"},
    "core.action": {"position"},
    "core.alert": {"headline", "headlines.headline"},
    "core.delivery": {"position"},
    "core.dispatch": {"hazards.name", "hazards.detail", "blocks.detail", "blocks.seen_by"},
    "core.effect": {"position"},
    "core.evidence": {"seen_by"},
    "core.filing": {"filed_by.role"},
    "core.grant": {"reason"},
    "core.closure": {"position", "geometry", "reason", "opened_by", "ended_by"},
    "core.hub": {"position", "name", "notices.texts.header_text", "closed.reason"},
    "core.journal": {"position"},
    "core.source": {"position", "state_reason"},
    "core.state": {"position"},
    "core.subscription": {"position"},
    "core.tick": {"position"},
    "core.watch": {"floor.reference", "ceiling.reference"},
    "dlq": {"position", "reason", "reason_class"},
    "drone.footprint": {"video_ref"},
    "drone.mission": {"video_ref"},
    "energy.reward": {"position", "area", "unknown.reason"},
    "energy.surplus": {"position", "area"},
    "mobility.charge": {"position", "ended_reason"},
    "mobility.hub": {"position", "name", "address", "status_text"},
    "mobility.speed": {"position"},
    "mobility.trip": {"position", "vehicle_id", "header_text", "description_text"},
    "place.camera": {"position", "name"},
    "place.hub": {"position", "name", "address"},
    "place.site": {"position", "name", "address", "detail"},
    "place.zone": {"position", "name", "geometry", "floor_reference", "ceiling_reference"},
    "police.missing": {"state_reason"},
    "source.place": {"position"},
}
"""Fields that look personal and are not; the topics' files say why."""
WIDE = {
    "cctv.detection": 4,
    "cctv.person": 4,
    "cctv.plate": 4,
    "mobility.position": 4,
    "drone.position": 4,
    "core.evidence": 4,
}
"""More than one partition for each city: what cameras and vehicles send. All else keeps its order in one."""
LARGE = {
    "core.closure": 262_144,
    "core.journal": 2**20,
    "core.state": 2**20,
    "place.zone": 2**20,
    "dlq": 7.5 * 2**20,
    "source.place": 7.5 * 2**20,
}
BYTES = {
    "core.journal": {"body"},
    "core.state": {"body"},
    "source.place": {"place"},
    "dlq": {"original", "before", "after"},
}
"""The only fields that may hold bytes."""
OWNERS = {
    "police": {"police.incident", "police.missing", "police.wanted"},
    "fire": {"fire.incident"},
    "civil": {"civil.incident", "civil.observation", "civil.vulnerable"},
    "cctv": {"cctv.detection", "cctv.person", "cctv.plate"},
    "mobility": {
        "mobility.booking",
        "mobility.charge",
        "core.hub",
        "mobility.hub",
        "mobility.position",
        "mobility.speed",
        "mobility.trip",
        "place.hub",
    },
    "drone": {"drone.footprint", "drone.mission", "drone.position", "drone.verdict"},
    "city": {"place.camera", "place.site", "place.zone"},
    "energy": {"energy.reward", "energy.surplus"},
    "bongsu": {
        *(
            f"core.{one}"
            for one in (
                "access",
                "account",
                "action",
                "alert",
                "candidate",
                "closure",
                "delivery",
                "dispatch",
                "effect",
                "evidence",
                "filing",
            )
        ),
        *(
            f"core.{one}"
            for one in (
                "grant",
                "journal",
                "route",
                "shadow",
                "situation",
                "source",
                "state",
                "subscription",
                "tick",
            )
        ),
        "core.track",
        "core.watch",
        "dlq",
        "source.place",
    },
}
KEYS = {
    "incident_id": {"police.incident", "fire.incident", "civil.incident"},
    "situation_id": {
        f"core.{one}" for one in ("action", "alert", "dispatch", "filing", "grant", "situation", "track")
    },
    "situation id, or the watch's where it has none": {"core.evidence"},
    "camera_id": {"cctv.detection", "cctv.person", "cctv.plate", "place.camera"},
    "case_id": {"police.missing", "core.candidate", "core.route"},
    "sensor_id": {"civil.observation"},
    "person_ref": {"civil.vulnerable"},
    "entry_id": {"police.wanted"},
    "booking_id": {"mobility.booking"},
    "area": {"energy.surplus"},
    "closure_id": {"core.closure"},
    "charger_id": {"energy.reward", "mobility.charge"},
    "hub_id": {"core.hub", "mobility.hub", "place.hub"},
    "vehicle_id": {"mobility.position"},
    "drone_id": {"drone.footprint", "drone.position", "drone.verdict"},
    "mission_id": {"drone.mission"},
    "cell": {"mobility.speed"},
    "trip_id": {"mobility.trip"},
    "site_id": {"place.site"},
    "zone_id": {"place.zone"},
    "account_id": {"core.account"},
    "watch_id": {"core.watch"},
    "measure": {"core.effect"},
    "name": {"core.subscription"},
    "receiver": {"core.delivery"},
    "city": {"core.access", "core.journal", "core.tick"},
    "source": {"core.source", "source.place"},
    "state key": {"core.state"},
    "as origin": {"core.shadow", "dlq"},
}
"""Key → topics: records of one key keep their order."""
USUAL_BYTES_MAX = 64 * 2**10
"""No video and no frame ever fits on the bus."""

CONTRACTS = {path.name: read_contract(path) for path in TOPICS.iterdir() if (path / "topic.toml").is_file()}


def by_topic(table: dict[str, set[str]]) -> dict[str, str]:
    return {topic: said for said, topics in table.items() for topic in topics}


def test_every_topic_is_kept_as_long_as_written_here_and_there_is_no_other() -> None:
    kept = {
        name: one.retention_ms / HOUR_MS for name, one in CONTRACTS.items() if one.retention_ms is not None
    }
    assert kept == HOURS_KEPT
    assert {name for name, one in CONTRACTS.items() if one.retention_ms is None} == COMPACTED


def test_what_has_no_time_is_compacted_and_all_else_deleted() -> None:
    assert {name for name, one in CONTRACTS.items() if one.cleanup == "compact"} == COMPACTED
    assert {name for name, one in CONTRACTS.items() if one.cleanup == "delete"} == HOURS_KEPT.keys()


def test_every_field_of_personal_data_is_in_the_class_written_here() -> None:
    identifying = {name: set(one.personal.identifying) for name, one in CONTRACTS.items()}
    located = {name: set(one.personal.located) for name, one in CONTRACTS.items()}
    exempt = {name: set(one.personal.exempt) for name, one in CONTRACTS.items()}
    assert {name: fields for name, fields in identifying.items() if fields} == IDENTIFYING
    assert {name: fields for name, fields in located.items() if fields} == LOCATED
    assert {name: fields for name, fields in exempt.items() if fields} == NOT_PERSONAL


def test_only_cameras_and_vehicles_have_more_than_one_partition() -> None:
    assert {name: one.partitions for name, one in CONTRACTS.items() if one.partitions != 1} == WIDE


def test_no_record_is_larger_than_written_here() -> None:
    assert {
        name: one.max_bytes for name, one in CONTRACTS.items() if one.max_bytes != USUAL_BYTES_MAX
    } == LARGE


def test_only_these_fields_hold_bytes() -> None:
    assert {name: set(one.bytes_fields) for name, one in CONTRACTS.items() if one.bytes_fields} == BYTES


def test_every_topic_has_the_owner_and_the_key_written_here() -> None:
    assert {name: one.owner for name, one in CONTRACTS.items()} == by_topic(OWNERS)
    assert {name: one.key for name, one in CONTRACTS.items()} == by_topic(KEYS)


def test_no_version_can_be_changed_unseen() -> None:
    """The fingerprint of each is compared with its file by the linter; one that has none is never compared."""
    for name, one in CONTRACTS.items():
        assert set(one.released) == {f"v{number}" for number in range(1, len(one.versions) + 1)}, name


def test_every_newer_schema_reads_the_older_records() -> None:
    assert {one.compatibility for one in CONTRACTS.values()} == {"BACKWARD"}


BRIEF_DLQS = {
    "cctv.person.dlq": 1,
    "civil.vulnerable.dlq": 7,
    "drone.footprint.dlq": 7,
    "drone.position.dlq": 7,
    "mobility.position.dlq": 7,
}
"""DLQs of topics with persons or vehicles that are kept for less than 30 days: days."""


def test_what_is_set_aside_is_deleted_after_thirty_days_and_persons_as_early_as_in_their_topic() -> None:
    aside = {name: one for name, one in load_catalogue().items() if name.endswith(f".{DLQ}")}
    days = {name: BRIEF_DLQS.get(name, 30) for name in aside}
    assert {name: one.retention_ms for name, one in aside.items()} == {
        name: count * DAY_MS for name, count in days.items()
    }
    assert (
        len(aside) == len(HOURS_KEPT) + len(COMPACTED) - 2 + 1
    )  # without dlq and the journal, with source.dlq
