"""The figures by which the source tree is judged, as one row of a table each.

``python3 tests/house_figures.py [FOLDER ...]`` measures packages (``omnitray`` by itself) and
prints one column for each. It needs nothing but Python, so that any commit's tree can be measured:
``git archive COMMIT omnitray | tar -x -C /tmp/then`` and both folders as arguments.
"""

import argparse
import ast
import io
import re
import statistics
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef)
_HAS_DOCSTRING = (ast.Module, ast.ClassDef, *_DEFINES)
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_FOR_TOOLS = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)[^-#]*")  # without a reason behind it
# Words that say of whom or how where a technical term says what; a docstring needs none of them.
_DIALECT = re.compile(
    r"\b(nobody|somebody|anybody|everybody|whoever|whom|felt|anew|likewise|stranger|spared)\b",
    re.IGNORECASE,
)
Graph = dict[str, set[str]]


@dataclass
class Source:
    """One module, read once."""

    name: str
    text: str
    is_package: bool
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)

    @cached_property
    def _tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def code_lines(self) -> set[int]:
        """Lines with a token of code on them; docstrings do not count."""
        found: set[int] = set()
        for token in self._tokens:
            if token.type not in _NOT_CODE:
                found.update(range(token.start[0], token.end[0] + 1))
        return found - self._docstring_lines

    @cached_property
    def comment_lines(self) -> set[int]:
        """Lines with a comment for readers; what is meant for a tool alone does not count."""
        comments = (token for token in self._tokens if token.type == tokenize.COMMENT)
        return {each.start[0] for each in comments if not _FOR_TOOLS.fullmatch(each.string)}

    @cached_property
    def _docstring_lines(self) -> set[int]:
        found: set[int] = set()
        for node in ast.walk(self.tree):
            if (
                isinstance(node, _HAS_DOCSTRING)
                and ast.get_docstring(node, clean=False) is not None
            ):
                first = node.body[0]
                found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
        return found

    @cached_property
    def import_lines(self) -> set[int]:
        """Lines that belong to an import statement."""
        found: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        return found

    @cached_property
    def docstrings(self) -> list[str]:
        """All docstrings, those of classes and functions within others too."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, _HAS_DOCSTRING))
        return [text for node in nodes if (text := ast.get_docstring(node))]

    def imported(self, known: set[str]) -> set[str]:
        """Modules among ``known`` that this one imports, wherever in the file."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                named = {f"{base}.{alias.name}" for alias in node.names}
                found |= named & known or {base}
        return (found & known) - {self.name}

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        words = self.name.split(".")
        kept = words[: len(words) - node.level + self.is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])


def sources(package: Path) -> list[Source]:
    """All modules below a package's folder."""
    found = []
    for path in sorted(package.rglob("*.py")):
        words = [package.name, *path.relative_to(package).with_suffix("").parts]
        is_package = words[-1] == "__init__"
        name = ".".join(words[:-1] if is_package else words)
        found.append(Source(name, path.read_text(encoding="utf-8"), is_package))
    return found


def circles(graph: Graph) -> list[set[str]]:
    """Groups of modules that reach each other by importing."""
    reached = {name: _reach(graph, name) for name in graph}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in graph
    }
    return [set(group) for group in groups if len(group) > 1]


def _reach(graph: Graph, start: str) -> set[str]:
    seen, waiting = set[str](), list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def floors(modules: Graph) -> int:
    """Rooms on the longest way down from the top.

    A room is a folder, or a module at the top; rooms that import each other share a floor.
    """
    graph: Graph = defaultdict(set)
    for name, imported in modules.items():
        graph[_room(name, modules)] |= {_room(each, modules) for each in imported}
    graph = {room: below - {room} for room, below in graph.items()}
    for group in circles(graph):
        one = min(group)
        merged = set().union(*(graph.pop(room) for room in group)) - group
        graph[one] = merged
        graph = {
            room: {one if each in group else each for each in below} - {room}
            for room, below in graph.items()
        }
    height: dict[str, int] = {}
    for room in TopologicalSorter(graph).static_order():
        height[room] = 1 + max((height[each] for each in graph.get(room, ())), default=0)
    return max(height.values(), default=0)


def _room(name: str, modules: Graph) -> str:
    words = name.split(".")
    is_package = any(each.startswith(f"{name}.") for each in modules)
    return name if is_package or len(words) <= 2 else ".".join(words[:-1])


def figures(package: Path) -> dict[str, str]:
    """What is measured of a package, by name."""
    found = sources(package)
    known = {each.name for each in found}
    graph = {each.name: each.imported(known) for each in found}
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for each in found
        for node in ast.walk(each.tree)
        if isinstance(node, _DEFINES)
    ]
    p50, p90 = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    every = sum(len(each.text.splitlines()) for each in found)
    code = sum(len(each.code_lines) for each in found)
    docstrings = [text for each in found for text in each.docstrings]
    return {
        "modules": str(len(found)),
        "lines of code": f"{code:,}".replace(",", " "),
        "function lines, p50 / p90": f"{p50:.0f} / {p90:.0f}",
        "lines with a comment": _share(sum(len(each.comment_lines) for each in found), every),
        "docstrings in dialect": _share(
            sum(bool(_DIALECT.search(text)) for text in docstrings), len(docstrings)
        ),
        "import lines of code": _share(sum(len(each.import_lines) for each in found), code),
        "class names with two meanings": str(len(ambiguous(found))),
        "import circles": str(len(circles(graph))),
        "floors": str(floors(graph)),
    }


def ambiguous(found: list[Source]) -> dict[str, set[str]]:
    """Names that classes of more than one module bear, with the modules."""
    homes: dict[str, set[str]] = defaultdict(set)
    for each in found:
        for node in ast.walk(each.tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].add(each.name)
    return {name: modules for name, modules in homes.items() if len(modules) > 1}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"


def main() -> None:
    """Print the table; with ``--names`` also which classes and circles are meant."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(__file__).resolve().parents[1] / "omnitray"
    parser.add_argument("folders", nargs="*", type=Path, default=[here], metavar="FOLDER")
    parser.add_argument("--names", action="store_true", help="name the classes and circles, too")
    args = parser.parse_args()
    columns = [figures(folder.resolve()) for folder in args.folders]
    print(f"| | {' | '.join(str(folder) for folder in args.folders)} |")
    print("|---|" + "---:|" * len(columns))
    for name in columns[0]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")
    for folder in args.folders if args.names else ():
        found = sources(folder.resolve())
        known = {each.name for each in found}
        for name, modules in sorted(ambiguous(found).items()):
            print(f"{name}: {', '.join(sorted(modules))}")
        for circle in circles({each.name: each.imported(known) for each in found}):
            print(f"circle: {', '.join(sorted(circle))}")


if __name__ == "__main__":
    main()
