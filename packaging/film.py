"""A film of screenshots: question, pause, resume, undo, by the real program on a real desktop.

    python packaging/film.py [FOLDER]

What is shown is ``tests/support/question_flow.py``: a test run that grows, a person who clicks.
Nothing in the pictures is sample data: each is taken when the kernel, the program's API and the
screen agree that it is so. The whole is done twice, light and dark. Needs root, for a world of its
own in which nobody else can be acted on.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import pytest  # noqa: E402 - what the tests' support is made for

from support.desktop import Desktop, Display, tool, wait_until  # noqa: E402 - after the path
from support.panels import start_xfce_panel  # noqa: E402 - likewise
from support.question_flow import STEPS, QuestionFlow  # noqa: E402 - likewise

SIZE = (1280, 900)
DARK_ONES = ("question", "undone")
_WINDOW = ("8", "62", "960", "690")  # left and top, width and height
_COLOURS = 200
_PANEL = "1280x32+0+0"
_ICON_EVERY_S = 1.2  # it is drawn at most once a second
_THEMES = {"light": ("Adwaita", "#5d7a8c"), "dark": ("Adwaita:dark", "#1f2a33")}


def main(arguments: list[str] | None = None) -> int:
    """Make the film; 0 when all of it was made."""
    parser = argparse.ArgumentParser(description="A film of screenshots, by the real program.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images" / "film")
    folder = parser.parse_args(arguments).folder
    with tempfile.TemporaryDirectory(prefix="film-") as new:
        try:
            for scheme in _THEMES:
                _film(Path(new), scheme)
        except (pytest.skip.Exception, pytest.fail.Exception) as reason:
            print(f"No film: {reason}", file=sys.stderr)
            return 1
        _replace(folder, Path(new))
    return 0


def pictures() -> list[str]:
    """The names of all pictures: light, then dark."""
    names = list(enumerate(STEPS, start=1))
    return [
        _file_name(number, name, scheme)
        for scheme in _THEMES
        for number, name in names
        if _is_shown(name, scheme)
    ]


def _file_name(number: int, name: str, scheme: str) -> str:
    return f"{number}-{name}{'' if scheme == 'light' else '-dark'}.png"


def _is_shown(name: str, scheme: str) -> bool:
    return scheme == "light" or name in DARK_ONES


def _replace(folder: Path, new: Path) -> None:
    """A whole film, or the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for picture in sorted(new.iterdir()):
        shutil.copy(picture, folder)
        print(folder / picture.name)


def _film(folder: Path, scheme: str) -> None:
    with _desktop(scheme) as desktop, QuestionFlow(desktop) as flow:
        _furnish(desktop)
        flow.start()
        _arrange(desktop, scheme)
        for number, (name, step) in enumerate(flow.steps(), start=1):
            step()
            if _is_shown(name, scheme):
                _shoot(desktop, folder / _file_name(number, name, scheme))


@contextmanager
def _desktop(scheme: str) -> Iterator[Desktop]:
    with tempfile.TemporaryDirectory(prefix="film-") as place:
        display = Display(Path(place), size=SIZE)
        try:
            desktop = Desktop(Path(place), display)
            theme, _ = _THEMES[scheme]
            desktop.environment |= {"XDG_CURRENT_DESKTOP": "XFCE", "GTK_THEME": theme, "TZ": "UTC"}
            yield desktop
        finally:
            display.stop()


def _furnish(desktop: Desktop) -> None:
    """A window manager, and a panel with a tray."""
    desktop.launch(tool("openbox"))
    start_xfce_panel(desktop, at_the_end=True)


def _arrange(desktop: Desktop, scheme: str) -> None:
    """The window beside the notifications."""
    desktop.output_of(tool("xsetroot"), "-solid", _THEMES[scheme][1])
    (window,) = wait_until(lambda: desktop.windows("omnitray"), "the window is there")
    left, top, width, height = _WINDOW
    desktop.output_of(tool("xdotool"), "windowmove", "--sync", window, left, top)
    desktop.output_of(tool("xdotool"), "windowsize", "--sync", window, width, height)


def _shoot(desktop: Desktop, picture: Path) -> None:
    """The whole screen, in as few colours as it needs."""
    _wait_for_the_icon(desktop, picture)
    squeeze = ("-strip", "-dither", "None", "-colors", str(_COLOURS), f"PNG8:{picture}")
    _convert(desktop.screenshot(picture), *squeeze)


def _wait_for_the_icon(desktop: Desktop, picture: Path) -> None:
    """The icon says what is new within a second: until the panel has stayed the same for longer."""
    seen, since = b"", 0.0

    def rests() -> bool:
        nonlocal seen, since
        panel = _convert(desktop.screenshot(picture), "-crop", _PANEL, "RGB:-")
        if panel != seen:
            seen, since = panel, time.monotonic()
        return time.monotonic() - since > _ICON_EVERY_S

    wait_until(rests, "the icon has come to rest")


def _convert(picture: Path, *how: str) -> bytes:
    done = subprocess.run([tool("convert"), str(picture), *how], check=True, capture_output=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
