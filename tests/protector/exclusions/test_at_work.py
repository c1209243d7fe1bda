"""What is not to be stopped in the middle, told by what a program has been told to do."""

import pytest

from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import ExclusionReason

PACKAGES, CHANGES, DOCUMENT = (
    ExclusionReason.PACKAGES,
    ExclusionReason.CHANGES_DATA,
    ExclusionReason.DOCUMENT,
)


@pytest.mark.parametrize(
    ("exe", "words", "why"),
    [
        ("/usr/bin/python3.11", "python3 -m pip install numpy", PACKAGES),
        ("/usr/bin/python3.11", "python3 /usr/bin/pip3 install -r r.txt", PACKAGES),
        (
            "/usr/bin/python3.11",
            "/home/me/shop/.venv/bin/python /home/me/shop/.venv/bin/pip install x",
            PACKAGES,
        ),
        ("/usr/bin/python3.11", "python3 -m pip list", None),
        ("/usr/bin/python3.11", "python3 /home/me/src/pip.py install", None),
        ("/usr/bin/node", "node /usr/bin/npm ci", PACKAGES),
        ("/usr/bin/node", "node /usr/lib/node_modules/npm/bin/npm-cli.js install jest", PACKAGES),
        ("/usr/bin/node", "node /usr/bin/npm test", None),
        ("/usr/bin/node", "node /usr/bin/npm run build", None),
        ("/usr/bin/uv", "uv sync", PACKAGES),
        ("/usr/bin/uv", "uv run pytest", None),
        ("/usr/bin/dpkg", "dpkg -i x.deb", PACKAGES),
        ("/usr/bin/git", "git gc --auto", CHANGES),
        ("/usr/lib/git-core/git", "git pack-objects --all", CHANGES),
        ("/usr/bin/git", "git log", None),
        ("/usr/sbin/mkfs.ext4", "mkfs.ext4 /dev/sdb1", CHANGES),
        ("/usr/sbin/e2fsck", "e2fsck -f /dev/sdb1", CHANGES),
        ("/home/me/bin/mkfs", "mkfs", None),
        ("/usr/lib/libreoffice/program/soffice.bin", "soffice.bin --writer", DOCUMENT),
        (
            "/usr/lib/libreoffice/program/soffice.bin",
            "soffice.bin --headless --convert-to pdf",
            None,
        ),
        ("/usr/bin/gimp-2.10", "gimp-2.10 picture.xcf", DOCUMENT),
        ("/home/me/src/gimp/gimp", "gimp", None),
    ],
)
def test_what_is_at_work(exe: str, words: str, why: ExclusionReason | None) -> None:
    rules = ExclusionRules(LINUX, "/home/me")
    assert rules.child_exclusion(exe, tuple(words.split()), ()) == why


def test_npm_writes_its_command_over_its_arguments() -> None:
    rules = ExclusionRules(LINUX, "/home/me")
    assert rules.child_exclusion("/usr/bin/node", ("npm install jest",), ()) is PACKAGES
    assert rules.child_exclusion("/usr/bin/node", ("npm test",), ()) is None
