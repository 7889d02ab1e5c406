"""The rules of the JMX exporter: each metric is named well and listed, and dashboards and alarms ask for no other."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import broker_metrics, cluster, fetch
from deploy.local.artefacts import Artefact, Silent, load_lock
from deploy.local.home import Remembered
from deploy.local.ports import with_fixed
from deploy.manifests.alarms import alarms
from deploy.manifests.broker_panels import PANELS
from schemas.errors import Fatal
from tests.conftest import ROOT

ROW = re.compile(r"^\| `(kafka_\w+?)(?:\{([\w,]+)\})?` \| (counter|gauge) \| (.+) \|$", re.M)
OF_JAVA = {"jvm_memory_used_bytes", "jvm_gc_collection_seconds_sum"}
"""Metrics that the exporter shows without a rule; a test with a broker holds that it does."""


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(broker_metrics.RULES.read_text("utf-8"))["rules"]
    return found


def asked(query: str) -> set[str]:
    return set(re.findall(r"\b(?:kafka|jvm)_\w+", query))


def test_the_page_lists_every_metric_of_the_rules_with_its_type_labels_and_words() -> None:
    listed = {
        name: (kind, tuple(labels.split(",")) if labels else (), words)
        for name, labels, kind, words in ROW.findall((ROOT / "deploy" / "METRICS.md").read_text("utf-8"))
    }
    assert listed == {
        one["name"]: (one["type"].lower(), tuple(one.get("labels", ())), one["help"]) for one in rules()
    }
    assert len(listed) == len(rules())


def test_names_are_lower_case_and_end_as_their_type_says() -> None:
    for one in rules():
        assert re.fullmatch(r"kafka(_[a-z0-9]+)+", one["name"])
        assert one["name"].endswith("_total") == (one["type"] == "COUNTER"), one["name"]


def test_alarms_and_panels_ask_for_metrics_of_the_rules_and_each_of_these_is_shown_in_a_panel() -> None:
    known = {one["name"] for one in rules()}
    of_panels = set().union(*(asked(query) for _, query, _ in PANELS))
    assert of_panels == known | OF_JAVA
    of_alarms = set().union(*(asked(one["expr"]) for one in alarms()))
    assert of_alarms and of_alarms <= known


def test_the_agent_is_loaded_with_our_rules_where_a_port_was_named_and_else_not(tmp_path: Path) -> None:
    lock, cache = load_lock(), tmp_path / "cache"
    assert broker_metrics.java_options(lock, cache, tmp_path, {"kafka": 1}) == []
    assert list(tmp_path.iterdir()) == []
    (option,) = broker_metrics.java_options(lock, cache, tmp_path, {"kafka": 1, "kafka-metrics": 2})
    assert re.fullmatch(
        rf"-javaagent:{cache}/.+/jmx_prometheus_javaagent-[\d.]+\.jar=127\.0\.0\.1:2:jmx\.yml", option
    )
    assert (tmp_path / "jmx.yml").read_bytes() == broker_metrics.RULES.read_bytes()


def test_a_cache_whose_name_java_would_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="without '='"):
        broker_metrics.java_options(load_lock(), tmp_path / "a=b", tmp_path, {"kafka-metrics": 2})


def test_the_agent_is_fetched_only_where_it_is_wanted() -> None:
    def parts(*components: str, **ports: int) -> set[str]:
        return {one.part for one in cluster._needed(components, ports)}

    assert parts("kafka", "registry") == {"kafka", "registry"}
    assert parts("kafka", **{"kafka-metrics": 2}) == {"kafka", "kafka-metrics"}
    assert parts("registry", **{"kafka-metrics": 2}) == {"registry"}


def test_a_broker_that_runs_without_metrics_gets_them_at_its_next_start_only() -> None:
    before = Remembered(ports={"kafka": 20_001})
    with pytest.raises(Fatal, match=r"kafka-metrics runs without a port|bongsu down, then bongsu up"):
        with_fixed(before, {"kafka-metrics": 9_404}, running=cluster.ports_of("kafka"))
    after = with_fixed(before, {"kafka-metrics": 9_404}, running=[])
    assert after.ports["kafka-metrics"] == 9_404 and "kafka-metrics" in after.fixed


def test_what_the_users_cache_has_is_taken_from_there_and_only_the_rest_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def artefact(name: str, content: bytes) -> Artefact:
        digest = hashlib.sha256(content).hexdigest()
        return Artefact("kafka", "org.kept", name, "1", "jar", "", len(content), digest)

    monkeypatch.setattr(cluster, "cache_folder", lambda: tmp_path)
    near, far = artefact("near", b"near"), artefact("far", b"far")
    kept = tmp_path / "artefacts" / near.path
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"near")
    fetched: list[Artefact] = []
    monkeypatch.setattr(fetch, "fetch", lambda wanted, *_: fetched.extend(wanted))
    cluster.ensure_near([near, far], tmp_path / "out", Silent())
    assert (tmp_path / "out" / near.path).read_bytes() == b"near"
    assert fetched == [far]
