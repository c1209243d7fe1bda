from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from omnitray.base.dbus import BusReply, BusSignal, OnAnswer
from omnitray.ui.appearance import NAMESPACE, SETTINGS, DesktopAppearance, unwrapped
from omnitray.ui.theme import DARK, LIGHT, Colours, Theme, colours_for, text_font
from omnitray.ui.widgets.choice import Switch
from omnitray.ui.widgets.labels import LinkedParagraph
from support.sample_window import sample_window

# Relative luminance and contrast: WCAG 2.2, success criterion 1.4.3.


def luminance(name: str) -> float:
    colour = QColor(name)

    def linear(share: float) -> float:
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = linear(colour.redF()), linear(colour.greenF()), linear(colour.blueF())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


HIGH = [colours_for(dark=dark, high_contrast=True) for dark in (False, True)]
EVERY = pytest.mark.parametrize(
    "colours", [LIGHT, DARK, *HIGH], ids=["light", "dark", "light high", "dark high"]
)


@EVERY
def test_texts_keep_a_contrast_of_four_and_a_half(colours: Colours) -> None:
    grounds = (colours.window, colours.card, colours.selected, colours.hover)
    for ground in grounds:
        assert contrast(colours.text, ground) >= 4.5
    for ground in (colours.window, colours.card):
        assert contrast(colours.muted, ground) >= 4.5
    assert contrast(colours.accent_text, colours.accent) >= 4.5
    for tone in ("good", "warning", "critical", "neutral"):
        assert contrast(*colours.tone(tone)) >= 4.5


@pytest.mark.parametrize("colours", HIGH, ids=["light", "dark"])
def test_in_high_contrast_texts_keep_seven_to_one(colours: Colours) -> None:
    for ground in (colours.window, colours.card, colours.selected, colours.hover):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.muted, ground) >= 7
    assert contrast(colours.accent_text, colours.accent) >= 7
    for edge in (colours.border, colours.control_border, colours.field_border):
        assert contrast(edge, colours.card) >= 4.5


@EVERY
def test_what_has_to_be_found_keeps_three_to_one(colours: Colours) -> None:
    """Edges of fields, the ring of the focus, and the bar of what is selected."""
    for ground in (colours.window, colours.card):
        assert contrast(colours.field_border, ground) >= 3
        assert contrast(colours.accent, ground) >= 3
    assert contrast(colours.accent, colours.selected) >= 3


@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Light, Qt.ColorScheme.Dark])
def test_a_field_is_drawn_with_its_edge_and_a_placeholder_that_can_be_read(
    qtbot: QtBot, scheme: Qt.ColorScheme
) -> None:
    theme = Theme(scheme)
    field = QLineEdit()
    qtbot.addWidget(field)
    field.setPlaceholderText("Search settings…")
    field.setPalette(theme.palette())
    field.setStyleSheet(theme.sheet)
    field.resize(200, 40)
    field.show()
    shot = field.grab().toImage()
    ground = QColor(theme.colours.card).name()
    edge = shot.pixelColor(100, 0).name()
    assert contrast(edge, ground) >= 3
    placeholder = field.palette().color(QPalette.ColorRole.PlaceholderText).name()
    assert contrast(placeholder, ground) >= 4.5
    inside = {shot.pixelColor(x, y).name() for x in range(8, 150) for y in range(4, 36)}
    assert max(contrast(each, ground) for each in inside) >= 4.5  # what was really drawn


@EVERY
def test_lines_can_be_seen_on_their_card(colours: Colours) -> None:
    lines = (colours.cpu, colours.memory, colours.first, colours.second)
    for line in (*lines, colours.warning_line, colours.critical_line):
        assert contrast(line, colours.card) >= 2.8


def test_the_sheet_knows_every_colour_it_names(qtbot: QtBot) -> None:  # noqa: ARG001 - needs the application
    assert "$" not in Theme(Qt.ColorScheme.Dark).sheet


class Portal:
    """A session bus with a settings portal; answers wait until they are asked for."""

    def __init__(self, scheme: Any = 0, contrast: Any = 0) -> None:
        self.values = {"color-scheme": scheme, "contrast": contrast}
        self.waiting: list[tuple[OnAnswer, Any]] = []
        self.listener: Callable[[BusSignal], None] = print
        self.lost = False

    def fileno(self) -> int:
        return 0

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.lost = True

    def listen(self, listener: Any) -> None:
        self.listener = listener

    def subscribe(self, **rule: str) -> None:
        assert rule["interface"] == SETTINGS

    def call(self, *words: Any) -> None:
        *_target, member, signature, (namespace, key), on_answer = words
        assert (member, signature, namespace) == ("Read", "ss", NAMESPACE)
        self.waiting.append((on_answer, self.values[key]))

    def answer(self) -> None:
        for on_answer, value in self.waiting:
            refused = value is None
            body = ("no such key",) if refused else (("v", ("u", value)),)
            on_answer(BusReply(error="NotFound" if refused else None, body=body))
        self.waiting.clear()

    def say(self, *body: Any) -> None:
        signal = BusSignal(
            sender=":1.9",
            path="/org/freedesktop/portal/desktop",
            interface=SETTINGS,
            member="SettingChanged",
            body=body,
        )
        self.listener(signal)


@pytest.fixture
def no_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal here is no socket."""

    class NoPump:
        def __init__(self, bus: Portal, parent: object) -> None:
            self.bus, self.parent = bus, parent

        def close(self) -> None:
            self.bus.close()

    monkeypatch.setattr("omnitray.ui.appearance.BusPump", NoPump)


def following(portal: Portal) -> DesktopAppearance:
    desktop = DesktopAppearance(bus=lambda: portal)  # type: ignore[arg-type,return-value]
    desktop.start()
    portal.answer()
    return desktop


@pytest.mark.usefixtures("qapp", "no_pump")
def test_the_portal_says_the_scheme_at_start_and_when_it_changes(qtbot: QtBot) -> None:
    portal = Portal(scheme=1)
    desktop = following(portal)
    theme = Theme(desktop=desktop)
    assert theme.colours is DARK
    with qtbot.waitSignal(theme.changed):
        portal.say(NAMESPACE, "color-scheme", ("u", 2))
    assert theme.colours is LIGHT
    with qtbot.waitSignal(theme.changed):
        portal.say(NAMESPACE, "contrast", ("u", 1))
    assert theme.colours is HIGH[0]
    desktop.stop()
    assert portal.lost


@pytest.mark.usefixtures("qapp", "no_pump")
def test_the_person_s_look_counts_more_than_the_desktop_s(qtbot: QtBot) -> None:
    portal = Portal(scheme=1)
    theme = Theme(look="light", desktop=following(portal))
    assert theme.colours is LIGHT
    with qtbot.assertNotEmitted(theme.changed):
        portal.say(NAMESPACE, "color-scheme", ("u", 2))
    theme.use_look("dark")
    assert theme.colours is DARK
    theme.use_look("auto")
    assert theme.colours is LIGHT


@pytest.mark.usefixtures("qapp", "no_pump")
def test_without_an_opinion_of_the_portal_qt_s_word_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hints:
        @staticmethod
        def colorScheme() -> Qt.ColorScheme:  # noqa: N802 - Qt's name
            return Qt.ColorScheme.Dark

    for scheme in (0, None, 7):
        desktop = following(Portal(scheme=scheme))
        monkeypatch.setattr(desktop, "_hints", Hints())
        assert desktop.dark


@pytest.mark.usefixtures("qapp", "no_pump")
def test_what_a_portal_must_not_say_changes_nothing(qtbot: QtBot) -> None:
    portal = Portal(scheme=2)
    desktop = following(portal)
    with qtbot.assertNotEmitted(desktop.changed):
        portal.say()
        portal.say(NAMESPACE, "color-scheme")
        portal.say(NAMESPACE, "color-scheme", "dark")
        portal.say(NAMESPACE, "accent-color", ("u", 1))
        portal.say("org.example", "color-scheme", ("u", 1))
    assert not desktop.dark
    assert unwrapped(("v", ("v", ("v", ("v", 1))))) == ("v", 1)


@pytest.mark.usefixtures("qapp")
def test_without_a_bus_there_is_a_look_all_the_same() -> None:
    desktop = DesktopAppearance(bus=lambda: None)
    desktop.start()
    desktop.stop()
    assert Theme(desktop=desktop).colours in (LIGHT, DARK)


def test_a_pinned_theme_stays(qtbot: QtBot) -> None:
    theme = Theme(Qt.ColorScheme.Dark)
    with qtbot.assertNotEmitted(theme.changed):
        theme.use_look("light")
    assert theme.colours is DARK


def test_figures_have_one_width_in_any_size(qtbot: QtBot) -> None:  # noqa: ARG001 - needs the application
    by_points, by_pixels = QFont(), QFont()
    by_points.setPointSizeF(10)
    by_pixels.setPixelSize(14)
    assert text_font(by_points, 1.5).pointSizeF() == 15
    assert text_font(by_pixels, 1.5).pixelSize() == 21
    assert text_font(by_points).featureValue(QFont.Tag("tnum")) == 1


def test_everything_follows_the_look_while_it_runs(qtbot: QtBot) -> None:
    """After a change pages are painted as in a window that was dark from the start.

    These have what is not painted anew each time: grounds of charts and marks in a log.
    """
    pages = ("overview", "servers")
    turned = Theme(look="light")
    windows = sample_window(theme=turned), sample_window(theme=Theme(Qt.ColorScheme.Dark))
    for window in windows:
        qtbot.addWidget(window)
        window.show()
        for page in pages:
            window.show_page(page)
            window.pages.grab()  # built and painted in the colours that it started with
    turned.use_look("dark")
    for page in pages:
        for window in windows:
            window.show_page(page)
        qtbot.wait(5)
        after, dark = (window.grab().toImage() for window in windows)
        assert after == dark, f"{page} is painted in colours of the light look"


def test_links_and_switches_take_their_colours_from_the_look(qtbot: QtBot) -> None:
    theme = Theme(look="light")
    window = sample_window(theme=theme)
    qtbot.addWidget(window)
    link, switch = LinkedParagraph("see http://127.0.0.1:8000/"), Switch()
    for each in (link, switch):
        each.setParent(window)
        each.show()
    window.show()
    for colours in (LIGHT, DARK, LIGHT):
        theme.use_look("dark" if colours.dark else "light")
        assert f"color: {colours.accent}" in link.text()
        roles = QPalette.ColorRole
        for role, name in ((roles.Highlight, colours.accent), (roles.AlternateBase, colours.card)):
            assert switch.palette().color(role).name() == name
