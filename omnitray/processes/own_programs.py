"""Which programs are OmniTray's own, told by what was started: whoever asks it is no culprit."""

from collections.abc import Sequence

_NAMES = frozenset({"omnitray", "omnitray-tray"})
_PACKAGE = "omnitray"
_PYTHONS = frozenset({"python", "pythonw", "pypy"})
_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})


def is_ours(program: str, arguments: Sequence[str]) -> bool:
    """Whether a program of that name, started with these arguments, is a command of ours."""
    name = program.removesuffix(".exe")
    if name in _NAMES:
        return True
    return name.lower().rstrip("0123456789.") in _PYTHONS and _runs_ours(arguments[1:])


def _runs_ours(words: Sequence[str]) -> bool:
    rest = iter(words)
    for word in rest:
        if word == "-m":
            return next(rest, "").partition(".")[0] == _PACKAGE
        if word == "-c":
            return False
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return _is_script(word)
    return False


def _is_script(path: str) -> bool:
    folders, _, name = path.replace("\\", "/").rpartition("/")
    if name == "__main__.py":
        return folders.rpartition("/")[2] == _PACKAGE
    return name.removesuffix(".exe").removesuffix("-script.py") in _NAMES
