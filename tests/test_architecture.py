"""Imports point one way, Qt has its rooms, and each question has its one place.

``LAYERS`` is the order of the packages; each may import those before it, and itself. What the
lower ones need of a platform enters through what ``app`` passes in.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "omnitray"
TREES = ("omnitray", "tests", "packaging")
LONGEST = {"omnitray": 500, "tests": 600, "packaging": 400}  # tests hold tables of cases

# Packages and top-level modules, the lowest first; those of one row do not import each other.
LAYERS = (
    ("base",),
    ("processes", "monitor", "settings", "cleanup"),
    ("protector", "alerts", "servers", "metrics", "runs"),
    ("api",),
    ("client",),
    ("runtime",),
    ("ui",),
    ("app", "cli"),
)
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names}
# A platform implements the seams of what it serves and is imported by ``app`` and ``cli`` alone.
PLATFORM_MAY_IMPORT = {
    "platforms",
    "base",
    "cleanup",
    "processes",
    "monitor",
    "protector",
    "runs",
    "servers",
    "settings",
}
BESIDE = {"platforms", "pytest_plugin", "__main__", "__init__"}
EXCEPTIONS = {
    ("api", "omnitray.client.discovery"),  # the file that one writes and the other reads
    ("cli", "omnitray.app"),  # without a command the program itself starts
}
CORE = ("base", "processes", "monitor", "settings", "cleanup", "protector", "alerts")
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
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def part_imported(module: str) -> str | None:
    words = module.split(".")
    return words[1] if words[0] == "omnitray" and len(words) > 1 else None


def below(part: str) -> set[str]:
    """What ``part`` may import of ours."""
    if part == "platforms":
        return PLATFORM_MAY_IMPORT
    if part in {"app", "cli"}:
        return {*FLOOR, "platforms"} - {"app", "cli"} | {part, "__version__"}
    return {name for name, floor in FLOOR.items() if floor < FLOOR[part]} | {part, "__version__"}


def test_every_part_has_its_place_in_the_layers() -> None:
    assert {part_of(path) for path in modules()} <= {*FLOOR, *BESIDE}


def test_imports_point_one_way() -> None:
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules()
        if (part := part_of(path)) in FLOOR or part == "platforms"
        for node, module in imports(path)
        if (imported := part_imported(module))
        and imported not in below(part)
        and (part, ".".join(module.split(".")[:3])) not in EXCEPTIONS
    ]
    assert wrong == []


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = {dotted(path) for path in modules()}
    graph = {
        dotted(path): {
            name
            for _, module in imports(path)
            if (name := module if module in known else module.rpartition(".")[0]) in known
            and name not in {dotted(path), "omnitray"}
        }
        for path in modules()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle in it


def test_qt_stays_in_its_rooms() -> None:
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules()
        if part_of(path) not in {"runtime", "ui", "app"}
        for node, module in imports(path)
        if module.split(".")[0] in {"PySide6", "shiboken6"}
    ]
    assert wrong == []


def test_the_runtime_needs_no_screen() -> None:
    wrong = [
        said(path, node, f"imports {module}")
        for path in modules("runtime")
        for node, module in imports(path)
        if module.startswith("PySide6.") and module.split(".")[1] not in {"QtCore", "QtNetwork"}
    ]
    assert wrong == []


def loaded_after(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement."""
    show = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", show], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def in_the_core() -> list[Path]:
    edge = {
        PACKAGE / "alerts" / "storage" / "store.py",  # the thread that writes the history
        PACKAGE / "base" / "dbus.py",  # the session bus, imported where a desktop is spoken to
    }
    return [
        path
        for part in CORE
        for path in modules(part)
        if "channels" not in path.parts and path not in edge
    ]


def test_the_core_loads_neither_qt_nor_network_nor_psutil() -> None:
    loaded = loaded_after("import " + ", ".join(dotted(path) for path in in_the_core()))
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
        for path in in_the_core()
        for node, module in imports(path)
        if banned & {module.split(".")[0], *names_in(node)}
    ]
    wrong += [
        said(path, node, "prints")
        for path in in_the_core()
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
    drawers = {"utils", "util", "misc", "helpers", "tools"}
    found = [path for path in (ROOT / tree).rglob("*") if path.stem in drawers]
    assert [path for path in found if "node_modules" not in path.parts] == []


def test_every_module_begins_with_its_map() -> None:
    silent = [str(path) for path in modules() if not ast.get_docstring(tree_of(path))]
    assert silent == []


def test_what_a_process_need_not_have_is_asked_in_one_place() -> None:
    """Each of these fails where there is no home, working folder, user or terminal."""
    knows = PACKAGE / "base" / "process_environment.py"
    asks = {"home", "cwd", "expanduser", "getcwd", "get_terminal_size", "getlogin", "getuser"}
    owners = {"Path", "os", "os.path", "shutil", "getpass"}
    wrong = [
        said(path, node, names_of(node.func))
        for path in modules()
        # These two start before others: they import nothing of ours.
        if path != knows and path.name not in {"watchdog_process.py", "records.py"}
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in asks
        and (node.func.attr == "expanduser" or names_of(node.func.value) in owners)
    ]
    assert wrong == []
