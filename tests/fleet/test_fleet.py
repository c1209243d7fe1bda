"""A machine in Prometheus, its alert in Alertmanager, its board: with the programs of Debian.

Run by ``packaging/dev.py test --fleet``, which installs them; outside the normal run.
"""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from fleet.conftest import Fleet, fetched, until

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "resources" / "fleet" / "rules.yml"
BOARD = ROOT / "resources" / "fleet" / "grafana-board.json"
# Every type of panel key that the board uses, with the type that Grafana's schema (39) gives it.
PANEL = {
    "id": int,
    "type": str,
    "title": str,
    "datasource": dict,
    "gridPos": dict,
    "fieldConfig": dict,
    "options": dict,
    "targets": list,
}

pytestmark = pytest.mark.fleet


def test_the_rules_are_sound() -> None:
    found = subprocess.run(
        ["promtool", "check", "rules", str(RULES)], capture_output=True, check=False, timeout=60
    )
    assert found.returncode == 0, found.stderr
    assert b"8 rules found" in found.stdout


def test_the_board_has_the_shape_that_grafana_reads() -> None:
    board = json.loads(BOARD.read_text())
    assert board["schemaVersion"] == 39
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert {key: type(value) for key, value in panel.items()} == PANEL
        assert set(panel["gridPos"]) == {"h", "w", "x", "y"}
        for target in panel["targets"]:
            assert set(target) == {"refId", "datasource", "expr", "legendFormat"}


def test_metrics_are_clean_few_and_the_same_over_a_restart(fleet: Fleet) -> None:
    fleet.start_omnitray()
    token = fleet.token
    text = scraped(fleet, token)
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, b"")
    samples = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert len(samples) <= 300
    fleet.stop()
    fleet.start_omnitray()
    assert fleet.token == token


def test_a_machine_is_up_its_alert_fires_arrives_and_resolves(fleet: Fleet) -> None:
    fleet.start_omnitray()
    start_alertmanager(fleet)
    start_prometheus(fleet)
    base = f"http://127.0.0.1:{fleet.ports.prometheus}"
    until(lambda: value(base, 'up{job="omnitray"}') == 1, "the target is up")
    raised = fleet.post("/alerts", {"type": "SERVER_DOWN", "title": "shop is down"})
    firing = 'omnitray_alerts_firing{severity="critical"}'
    until(lambda: value(base, firing) == 1, "Prometheus sees the alert")
    until(lambda: "OmniTrayCriticalAlert" in active(fleet), "the rule's alert arrives")
    fleet.post(f"/alerts/{raised['id']}/resolve", {})
    until(lambda: value(base, firing) == 0, "Prometheus sees that it is over")
    until(lambda: "OmniTrayCriticalAlert" not in active(fleet), "Alertmanager closes it")
    own = "omnitray_own_memory_bytes"
    until(lambda: value(base, own) is not None, "OmniTray knows what it costs, after 10 s")
    board = json.loads(BOARD.read_text())
    wrong = []
    for panel in board["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$instance", ".*")
            answer = fetched(f"{base}/api/v1/query?query={urllib.parse.quote(expression)}")
            if answer is None or answer["status"] != "success":
                wrong.append(target["expr"])
            elif not answer["data"]["result"] and panel["title"] not in MAY_BE_EMPTY:
                wrong.append(f"nothing for {panel['title']}")
    assert wrong == []


MAY_BE_EMPTY = {"Servers", "Waiting for memory"}  # without a server, without a kernel with PSI


def test_an_alert_goes_straight_to_alertmanager_and_resolves_there(fleet: Fleet) -> None:
    start_alertmanager(fleet)
    address = f"http://127.0.0.1:{fleet.ports.alertmanager}"
    fleet.start_omnitray(f'[[webhook]]\nname = "am"\nkind = "alertmanager"\nurl = "{address}"\n')
    raised = fleet.post("/alerts", {"type": "SERVER_DOWN", "title": "shop is down"})
    until(lambda: "SERVER_DOWN" in active(fleet), "it arrives")
    (found,) = [each for each in alerts(fleet) if each["labels"]["alertname"] == "SERVER_DOWN"]
    assert found["labels"]["fingerprint"] == raised["fingerprint"]
    assert found["labels"]["severity"] == "critical"
    assert "shop is down" in found["annotations"]["summary"]
    fleet.post(f"/alerts/{raised['id']}/resolve", {})
    until(lambda: "SERVER_DOWN" not in active(fleet), "it resolves")
    (stored,) = fleet.get("/alerts?limit=1")["alerts"]
    assert "webhook" in stored["channels"]


def start_alertmanager(fleet: Fleet) -> None:
    config = fleet.folder / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    fleet.start(
        [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={fleet.folder / 'am'}",
            f"--web.listen-address=127.0.0.1:{fleet.ports.alertmanager}",
            "--cluster.listen-address=",
        ],
        "alertmanager.log",
    )
    until(lambda: fetched(f"{am(fleet)}/status") is not None, "Alertmanager answers")


def start_prometheus(fleet: Fleet) -> None:
    config = fleet.folder / "prometheus.yml"
    config.write_text(
        f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{RULES}"]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{fleet.ports.alertmanager}"]}}]}}]
scrape_configs:
  - job_name: omnitray
    authorization: {{credentials: "{fleet.token}"}}
    static_configs: [{{targets: ["127.0.0.1:{fleet.ports.omnitray}"]}}]
"""
    )
    fleet.start(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={fleet.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{fleet.ports.prometheus}",
        ],
        "prometheus.log",
    )


def scraped(fleet: Fleet, token: str) -> bytes:
    url = f"http://127.0.0.1:{fleet.ports.omnitray}/metrics"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own address
        text: bytes = answer.read()
    return text


def value(base: str, query: str) -> float | None:
    answer = fetched(f"{base}/api/v1/query?query={urllib.parse.quote(query)}")
    result = answer["data"]["result"] if answer and answer["status"] == "success" else []
    return float(result[0]["value"][1]) if result else None


def am(fleet: Fleet) -> str:
    return f"http://127.0.0.1:{fleet.ports.alertmanager}/api/v2"


def alerts(fleet: Fleet) -> list[dict[str, Any]]:
    return fetched(f"{am(fleet)}/alerts?active=true") or []


def active(fleet: Fleet) -> set[str]:
    return {each["labels"]["alertname"] for each in alerts(fleet)}
