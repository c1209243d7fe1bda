"""Imports point one way, Qt stops at its door, and each question has its one place.

``app → qt, channels, api → core → nothing of ours``; what the core needs of a platform enters
through what ``app`` passes in.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "omnitray"
TREES = ("omnitray", "tests", "packaging")
LONGEST = {"omnitray": 400, "tests": 600, "packaging": 400}  # tests hold tables of cases

# What each part may import of ours. A part is a folder, or a module at the top of the package.
GROUND = frozenset({"core", "paths", "settings", "address", "invocation", "__version__"})
MAY_IMPORT = {
    "core": frozenset({"core"}),
    "platforms": frozenset({"platforms", "core", "guardian"}),
    "guardian": frozenset(),  # runs alone, started by its path
    "paths": frozenset({"paths"}),
    "settings": GROUND,
    "address": GROUND,
    "invocation": frozenset(),
    "logs": GROUND,
    "channels": GROUND | {"channels"},
    "api": GROUND | {"api"},
    "client": GROUND | {"client", "api"},  # speaks the words of the wire
    "commands": GROUND | {"commands", "cli", "client", "doctor", "app", "api", "platforms"},
    "qt": GROUND | {"qt", "channels"},
}
# The API's door opens onto the main thread, which is Qt's: its other side is a Qt object.
ALSO = {("qt", "omnitray.api.facade")}
# The client is several files: what it asks, whom, and what it does when nobody runs.
CLIENT = {
    *("backends", "borrowing", "faces", "inprocess", "leasing", "offline", "remote", "stream"),
    "subscription",
}
COMPOSE = frozenset({"app", "cli", "doctor", "__main__", "__init__", "pytest_plugin"})
AT_THE_TOP = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs",
    "omnitray",
    "packaging",
    "pyproject.toml",
    "resources",
    "tests",
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(folder: str = "") -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def said(path: Path, node: ast.AST, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {what}"


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every module imported anywhere in the file, also within functions and for types."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, said(path, node, "relative import")
            module = node.module or ""
            if (ROOT / module.replace(".", "/")).is_dir() and module.startswith("omnitray"):
                yield from ((node, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node, module


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return family(first)


def family(name: str) -> str:
    """``settings_lines`` belongs to ``settings``: a file that was split is still one part."""
    if name in CLIENT:
        return "client"
    known = [
        part for part in (*MAY_IMPORT, *COMPOSE) if name == part or name.startswith(f"{part}_")
    ]
    return max(known, key=len, default=name)


def part_imported(module: str) -> str | None:
    words = module.split(".")
    return family(words[1]) if words[0] == "omnitray" and len(words) > 1 else None


def test_every_part_has_its_place_in_the_map() -> None:
    parts = {part_of(path) for path in modules()}
    assert parts <= set(MAY_IMPORT) | COMPOSE


def test_imports_point_one_way() -> None:
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules()
        if part_of(path) in MAY_IMPORT
        for node, module in imports(path)
        if (part := part_imported(module))
        and part not in MAY_IMPORT[part_of(path)]
        and (part_of(path), module) not in ALSO
    ]
    assert wrong == []


def test_qt_stops_at_the_door() -> None:
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules()
        if part_of(path) not in {"qt", "app"}
        for node, module in imports(path)
        if module.split(".")[0] in {"PySide6", "shiboken6"}
    ]
    assert wrong == []


def loaded_after(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement."""
    show = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", show], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_core_loads_neither_qt_nor_network_nor_psutil() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("core")]
    loaded = loaded_after("import " + ", ".join(name.removesuffix(".__init__") for name in names))
    heavy = {"PySide6", "psutil", "starlette", "uvicorn", "websockets", "jeepney", "plyer"}
    assert loaded & heavy == set()


def test_importing_the_package_is_light() -> None:
    loaded = loaded_after("import omnitray")
    assert {name for name in loaded if name.startswith("omnitray.")} == set()
    assert loaded & {"PySide6", "psutil", "msgspec", "asyncio", "typing"} <= {"typing"}


def names_of(node: ast.AST) -> str:
    """``sys.platform`` for the expression that says it."""
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""


def test_the_platform_is_asked_in_one_place() -> None:
    questions = {"sys.platform", "os.name", "platform.system", "os.uname", "platform.uname"}
    wrong = [
        said(path, node, names_of(node))
        for path in modules()
        if part_of(path) != "platforms"
        for node in ast.walk(tree_of(path))
        if names_of(node) in questions
        and names_of(node).split(".")[0] in {module for _, module in imports(path)}
    ]
    assert wrong == []


def names_in(node: ast.stmt) -> set[str]:
    """What ``from … import`` takes out of a module."""
    return {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()


def test_the_core_neither_prints_nor_runs_threads_or_sockets_or_programs() -> None:
    banned = {
        "threading", "socket", "subprocess", "multiprocessing", "selectors", "http", "urllib",
        "ThreadPoolExecutor", "ProcessPoolExecutor",
    }  # fmt: skip
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules("core")
        for node, module in imports(path)
        if banned & {module.split(".")[0], *names_in(node)}
    ]
    wrong += [
        said(path, node, "prints")
        for path in modules("core")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and names_of(node.func) == "print"
    ]
    assert wrong == []


def test_nothing_goes_through_a_shell() -> None:
    shells = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
    wrong = [
        said(path, node, "uses a shell")
        for tree in TREES
        for path in sorted((ROOT / tree).rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Call) and names_of(node.func) in shells)
        or (isinstance(node, ast.keyword) and node.arg == "shell" and is_true(node.value))
    ]
    assert wrong == []


def is_true(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and not node.value)


@pytest.mark.parametrize("tree", TREES)
def test_no_file_is_longer_than_can_be_read_at_once(tree: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / tree).rglob("*.py")
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST[tree]} == {}


def test_no_path_of_somebodys_machine_is_written_down() -> None:
    local = re.compile(r"""["'(\s](/home/\w+/|/root/|/work/|/Users/\w+/|[A-Z]:\\\\Users)""")
    allowed = re.compile(r"/home/(me|you|user|someone|dev|ada|anna|sam|jo|person)\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for tree in TREES
        for path in sorted((ROOT / tree).rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if local.search(line) and not allowed.search(line)
    ]
    assert wrong == []


def test_packaging_is_no_package() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_nothing_else_stands_at_the_top() -> None:
    command = ["git", "ls-files", "-z", "--cached"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    tops = {name.split("/")[0] for name in done.stdout.split("\0") if name}
    assert {top for top in tops if not top.startswith(".")} <= AT_THE_TOP


@pytest.mark.parametrize("tree", TREES)
def test_no_drawer_is_called_utils(tree: str) -> None:
    drawers = {"utils", "util", "misc", "helpers", "common", "tools"}
    assert [path for path in (ROOT / tree).rglob("*") if path.stem in drawers] == []


def test_every_module_begins_with_its_map() -> None:
    silent = [str(path) for path in modules() if not ast.get_docstring(tree_of(path))]
    assert silent == []
