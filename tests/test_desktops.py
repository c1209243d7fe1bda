"""The eyes and the page of the visit to real desktops; the visit itself is a run of its own."""

from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from desktops.recipes import DESKTOPS
from desktops.report import Finding, Found, write_page
from desktops.seeing import changed, find_icon, what_appeared, window_look
from desktops.session import missing
from omnitray.ui.theme import DARK, LIGHT
from omnitray.ui.tray.badge import Badge
from omnitray.ui.tray.icon import INKS, IconFacts, Panel, draw_icon

GROUNDS = {Panel.DARK: "#1d2023", Panel.LIGHT: "#f0f0f0"}
FOUND = Found(
    "mate", "MATE", (Finding("icon drawn", works=True, words="at 9 | 9"),), day="2026-11-28"
)


def screen(ground: str = "#204060") -> QImage:
    image = QImage(640, 400, QImage.Format.Format_RGB32)
    image.fill(QColor(ground))
    return image


def kept(image: QImage, file: Path) -> Path:
    assert image.save(str(file))
    return file


@pytest.mark.parametrize("panel", list(Panel))
@pytest.mark.parametrize("badge", [Badge.NONE, Badge.WARNING, Badge.CRITICAL, Badge.WATCH])
@pytest.mark.usefixtures("qapp")
def test_the_icon_is_found_on_its_panel(tmp_path: Path, panel: Panel, badge: Badge) -> None:
    image = screen()
    painter = QPainter(image)
    painter.fillRect(0, 0, 640, 30, QColor(GROUNDS[panel]))
    painter.fillRect(40, 2, 26, 26, INKS[panel].cpu)  # something else of this colour
    painter.end()
    bare = kept(image, tmp_path / "bare.png")
    painter = QPainter(image)
    facts = IconFacts(cpu_percent=20, memory_percent=30, badge=badge)
    painter.drawImage(500, 4, draw_icon(facts, panel, 22))
    painter.end()
    found = find_icon(kept(image, tmp_path / "shot.png"), bare)
    assert found is not None
    assert found.panel is panel
    assert 500 <= found.x < 522
    assert 4 <= found.y < 26
    assert find_icon(bare, bare) is None
    assert find_icon(kept(screen(), tmp_path / "none.png"), bare) is None


def test_the_window_is_known_by_its_ground(tmp_path: Path) -> None:
    for colours, look in ((LIGHT, "light"), (DARK, "dark")):
        assert window_look(kept(screen(colours.window), tmp_path / "shot.png")) == look
    assert window_look(kept(screen(), tmp_path / "shot.png")) == ""


def test_what_opens_changes_the_picture(tmp_path: Path) -> None:
    before, after = kept(screen(), tmp_path / "1.png"), screen()
    painter = QPainter(after)
    painter.fillRect(0, 0, 200, 200, QColor("white"))
    painter.end()
    assert changed(before, kept(after, tmp_path / "2.png")) == 625
    assert changed(before, before) == 0


def test_the_largest_thing_that_appeared_is_the_one_to_click_on(tmp_path: Path) -> None:
    before, after = kept(screen(), tmp_path / "1.png"), screen()
    painter = QPainter(after)
    painter.fillRect(0, 0, 640, 30, QColor("white"))  # a panel
    painter.fillRect(40, 200, 30, 30, QColor("white"))
    painter.fillRect(400, 60, 200, 40, QColor("white"))
    painter.fillRect(400, 108, 200, 40, QColor("white"))  # a gap within one thing
    painter.end()
    assert what_appeared(before, kept(after, tmp_path / "2.png")) == (400, 60, 200, 88)
    assert what_appeared(before, before) is None


def test_a_desktop_that_was_not_visited_keeps_what_was_found(tmp_path: Path) -> None:
    page = tmp_path / "desktops.md"
    (tmp_path / "images" / "desktops").mkdir(parents=True)
    write_page(page, [FOUND])
    other = Found("sway", "sway", (), "not tried: sway missing")
    write_page(page, [other, FOUND._replace(findings=(), why_not="it did not start", day="")])
    text = page.read_text()
    assert "| icon drawn | yes | at 9 \\| 9 |" in text
    assert "Seen on 2026-11-28." in text
    assert "Not tried: sway missing." in text
    assert "did not start" not in text


def test_every_desktop_says_what_it_needs() -> None:
    assert len({each.name for each in DESKTOPS}) == len(DESKTOPS) == 6
    assert all(each.packages and each.programs and each.title for each in DESKTOPS)
    assert missing(["sh", "no-such-program-here"]) == ["no-such-program-here"]
