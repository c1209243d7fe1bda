"""Whether a file of a server's project changed: worth another try after a crash loop.

Only files that a person edits count, known by their ending: what a program writes (databases, logs,
caches) would set it off. The walk is bounded, so that a home folder as ``cwd`` costs little.
"""

import os
from pathlib import Path

LOOK_S = 2.0
MAX_ENTRIES = 5000
_SKIPPED = {"node_modules", "__pycache__", "venv", "target", "build", "dist", "site-packages"}
_ENDINGS = (
    *(".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".rb", ".php"),
    *(".java", ".kt", ".cs", ".c", ".h", ".cc", ".cpp", ".ex", ".exs", ".lua", ".sh", ".toml"),
    *(".json", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".env", ".html", ".css", ".sql", ".xml"),
)
Stamp = tuple[int, int, int]


def stamp_of(folder: Path) -> Stamp:
    """What tells one state of a project from another: count, newest change, sum of sizes."""
    count = newest = total = 0
    waiting = [str(folder)]
    seen = 0
    while waiting and seen < MAX_ENTRIES:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if _is_folder(entry):
                if entry.name not in _SKIPPED and not entry.name.startswith("."):
                    waiting.append(entry.path)
            elif entry.name.endswith(_ENDINGS):
                found = _stat(entry)
                if found is not None:
                    count += 1
                    newest = max(newest, found.st_mtime_ns)
                    total += found.st_size
    return count, newest, total


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _stat(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None
