from pathlib import Path

import pytest

from omnitray.processes.jobs import Projects


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path, lambda folder: folder.startswith("/net/"))


def test_the_git_root_above_a_folder_is_its_project(tmp_path: Path, projects: Projects) -> None:
    (tmp_path / "shop/src/deep").mkdir(parents=True)
    (tmp_path / "shop/.git").mkdir()
    assert projects.name(str(tmp_path / "shop/src/deep")) == "~/shop"
    assert projects.name(str(tmp_path / "shop")) == "~/shop"


def test_a_work_tree_is_a_project_too(tmp_path: Path, projects: Projects) -> None:
    (tmp_path / "tree/x").mkdir(parents=True)
    (tmp_path / "tree/.git").write_text("gitdir: elsewhere")
    assert projects.name(str(tmp_path / "tree/x")) == "~/tree"


def test_dot_files_kept_in_the_home_folder_are_not_the_project_of_everything(
    tmp_path: Path, projects: Projects
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "notes").mkdir()
    assert projects.name(str(tmp_path / "notes")) == "~/notes"
    assert projects.name(str(tmp_path)) == "~"


def test_a_folder_outside_any_repository_is_its_own_project(projects: Projects) -> None:
    assert projects.name("/nowhere/at/all") == "/nowhere/at/all"
    assert projects.name("/") is None
    assert projects.name(None) is None


def test_a_folder_on_another_machine_is_never_looked_into(
    projects: Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object, **__: object) -> bool:
        raise AssertionError("asked a server")

    monkeypatch.setattr(Path, "exists", hang)
    assert projects.name("/net/files/x") == "/net/files/x"


def test_a_folder_is_looked_into_once(tmp_path: Path, projects: Projects) -> None:
    assert projects.name(str(tmp_path / "x")) == "~/x"
    (tmp_path / ".git").mkdir()
    (tmp_path / "x/.git").mkdir(parents=True)
    assert projects.name(str(tmp_path / "x")) == "~/x"


def test_memory_is_bounded(projects: Projects) -> None:
    for number in range(2500):
        projects.name(f"/net/{number}")
    assert len(projects._known) <= 1000
