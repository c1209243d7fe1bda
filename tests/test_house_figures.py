"""The figures of a tree are those of that tree: counted on one small enough to count by hand."""

from pathlib import Path

import pytest

import house_figures

MODULES = {
    "__init__.py": '"""A package."""\n',
    "__main__.py": '"""Starts."""\n\nfrom house.top import page\n\npage.show()\n',
    "top/__init__.py": "",
    "top/page.py": (
        '"""A page."""\n\nfrom house.low import facts\n\n\nclass Held:\n    """Kept anew."""\n\n\n'
        "def show():\n    # a reason\n    return facts.Held  # noqa: X1\n"
    ),
    "low/__init__.py": "",
    "low/facts.py": "class Held:\n    pass\n\n\ndef ask():\n    import house.low.other\n",
    "low/other.py": "from house.low.facts import Held\n",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        file = tmp_path / "house" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "house"


def test_each_figure_is_what_one_counts_by_hand(house: Path) -> None:
    assert house_figures.figures(house) == {
        "modules": "7",
        "lines of code": "11",
        "function lines, p50 / p90": "2 / 4",
        "lines with a comment": "4.0 %",
        "docstrings in dialect": "25.0 %",
        "import lines of code": "36.4 %",
        "class names with two meanings": "1",
        "import circles": "1",
        "floors": "3",
    }


def test_classes_and_circles_are_named(house: Path) -> None:
    found = house_figures.sources(house)
    assert house_figures.ambiguous(found) == {"Held": {"house.top.page", "house.low.facts"}}
    known = {each.name for each in found}
    graph = {each.name: each.imported(known) for each in found}
    assert house_figures.circles(graph) == [{"house.low.facts", "house.low.other"}]
