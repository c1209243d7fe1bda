"""``docs/policies.md`` is followed to the letter: its file, its import, its line."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from omnitray.base.facts import Resource
from omnitray.protector import protector
from omnitray.protector.model import EscalationStep
from omnitray.protector.policies import registry
from support.desk import Desk, actions
from support.scenes import GB, job, process, reading

ROOT = Path(__file__).resolve().parents[3]
MODULE = "omnitray.protector.policies.pressure"


def imported(name: str, path: Path) -> dict[str, object]:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return vars(module)


def test_the_worked_example_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    source, import_line, list_line = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "pressure.py").write_text(source, encoding="utf-8")
    lines = Path(registry.__file__).read_text(encoding="utf-8")
    lines = lines.replace("\n\nclass Policy", f"{import_line}\n\nclass Policy", 1)
    lines = lines.replace("    QuestionPolicy,\n)", f"    QuestionPolicy,\n{list_line})", 1)
    (tmp_path / "registry.py").write_text(lines, encoding="utf-8")
    monkeypatch.setitem(sys.modules, MODULE, None)
    imported(MODULE, tmp_path / "pressure.py")
    monkeypatch.setitem(sys.modules, "registry_of_the_example", None)
    more = imported("registry_of_the_example", tmp_path / "registry.py")
    monkeypatch.setattr(protector, "POLICIES", more["POLICIES"])

    desk, heavy = Desk(), job("pytest", process(200, rss_bytes=8 * GB))
    decided = desk.turns(12, heavy, at=reading(used=60.0, memory_full=60.0))

    (slowed,) = actions(decided)
    assert (slowed.step, slowed.resource) == (EscalationStep.SLOW_DOWN, Resource.MEMORY)
    assert len(desk.protector.open_questions) == 0
