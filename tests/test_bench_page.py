"""The page of benchmarks: sections are kept, failures change nothing, no machine is named."""

import importlib.util
import platform
from pathlib import Path
from types import ModuleType

import pytest

from support.bench import Row, spread, table, within


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The collector, with benchmarks and a page of this test's own."""
    # One that is written again in the same second and size would be run as it was compiled before.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    path = Path(__file__).parent / "bench" / "run.py"
    spec = importlib.util.spec_from_file_location("bench_run", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "bench_first.py").write_text("def main(): print('## First\\n\\n1 ms')")
    (tmp_path / "bench_second.py").write_text("def main(): print('## Second\\n\\n2 ms')")
    vars(module)["HERE"] = tmp_path
    vars(module)["PAGE"] = tmp_path / "benchmarks.md"
    return module


def page(run: ModuleType) -> str:
    text: str = run.PAGE.read_text()
    return text


def test_every_benchmark_has_its_section(run: ModuleType) -> None:
    assert run.main([]) == 0
    assert page(run).index("## First") < page(run).index("## Second")


def test_one_can_be_measured_alone(run: ModuleType) -> None:
    run.main([])
    (run.HERE / "bench_first.py").write_text("def main(): print('## First\\n\\n9 ms')")
    (run.HERE / "bench_second.py").write_text("def main(): print('## Second\\n\\n9 ms')")
    assert run.main(["first"]) == 0
    assert "9 ms" in page(run)
    assert "2 ms" in page(run)
    assert page(run).count("## Second") == 1


@pytest.mark.parametrize("body", ["raise SystemExit(3)", "1 / 0", "pass"])
def test_one_that_fails_keeps_its_old_figures(run: ModuleType, body: str) -> None:
    run.main([])
    (run.HERE / "bench_first.py").write_text(f"def main(): {body}")
    assert run.main([]) == 1
    assert "1 ms" in page(run)


def test_an_unknown_name_is_said(run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["third"]) == 2
    assert "There are: first, second" in capsys.readouterr().err


def test_the_machine_is_described_and_not_named(run: ModuleType) -> None:
    assert "cores" in run.machine()
    assert platform.node() not in run.machine()


def test_a_table_says_what_was_missed() -> None:
    rows = [within("start", 0.8, 1.0, "s"), within("window", 250, 200, "ms"), Row("x", "1")]
    assert table(rows).splitlines()[2:] == [
        "| start | 0.8 s | ≤ 1.0 s | yes |",
        "| window | 250 ms | ≤ 200 ms | **no** |",
        "| x | 1 |  |  |",
    ]


def test_how_figures_spread() -> None:
    assert spread([3.0]) == (3.0, 3.0, 3.0, 3.0, 1)
    hundred = spread(float(each) for each in range(1, 101))
    assert (hundred.median, hundred.p95, hundred.worst) == (50.5, 96.0, 100.0)
    assert hundred.told("ms") == "50.5 ms (p95 96.0, worst 100.0, n = 100)"
