"""Every name that the board, the rules and the page of fleets use is one that ``/metrics`` has."""

import json
import re
from pathlib import Path

import pytest

from omnitray.api.metric_calls import families
from omnitray.metrics.exposition import MetricFamily
from support.fake_door import FakeDoor

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "resources" / "fleet" / "rules.yml"
BOARD = ROOT / "resources" / "fleet" / "grafana-board.json"
PAGE = ROOT / "docs" / "fleet.md"
NAME = re.compile(r"\bomnitray_[a-z_]+[a-z]\b")
SELECTOR = re.compile(r"\b(omnitray_[a-z_]+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
OF_THE_SCRAPER = {"instance", "job"}


@pytest.fixture(scope="module")
def known() -> dict[str, MetricFamily]:
    """By the name of the sample."""
    found = families(FakeDoor())
    return {f"{each.name}_total" if each.kind == "counter" else each.name: each for each in found}


@pytest.mark.parametrize("file", [RULES, BOARD, PAGE], ids=lambda file: file.name)
def test_each_name_is_one_of_ours(file: Path, known: dict[str, MetricFamily]) -> None:
    used = set(NAME.findall(file.read_text(encoding="utf-8")))
    assert used
    assert used - set(known) == set()


@pytest.mark.parametrize("file", [RULES, BOARD, PAGE], ids=lambda file: file.name)
def test_each_label_is_one_of_its_metric(file: Path, known: dict[str, MetricFamily]) -> None:
    text = file.read_text(encoding="utf-8").replace('\\"', '"')
    for name, selector in SELECTOR.findall(text):
        labels = {label for labels, _ in known[name].samples for label in labels}
        assert set(LABEL.findall(selector)) - OF_THE_SCRAPER <= labels, f"{name}{{{selector}}}"


def test_each_panel_asks_for_something(known: dict[str, MetricFamily]) -> None:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            used = set(NAME.findall(target["expr"]))
            assert used & set(known) or "up{" in target["expr"], target["expr"]


def test_the_page_counts_the_rules_and_panels_as_they_are() -> None:
    words = {8: "eight", 12: "twelve"}
    rules = RULES.read_text(encoding="utf-8").count("- alert:")
    panels = len(json.loads(BOARD.read_text(encoding="utf-8"))["panels"])
    page = PAGE.read_text(encoding="utf-8")
    assert f"has {words[rules]} rules" in page
    assert f"{words[panels]} panels" in page
