import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication
from pytestqt.qtbot import QtBot

from omnitray.ui.theme import DARK, LIGHT, Colours, Theme, text_font

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


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_keep_a_contrast_of_four_and_a_half(colours: Colours) -> None:
    grounds = (colours.window, colours.card, colours.selected, colours.hover)
    for ground in grounds:
        assert contrast(colours.text, ground) >= 4.5
    for ground in (colours.window, colours.card):
        assert contrast(colours.muted, ground) >= 4.5
    assert contrast(colours.accent_text, colours.accent) >= 4.5
    for tone in ("good", "warning", "critical", "neutral"):
        assert contrast(*colours.tone(tone)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_can_be_seen_on_their_card(colours: Colours) -> None:
    lines = (colours.cpu, colours.memory, colours.first, colours.second)
    for line in (*lines, colours.warning_line, colours.critical_line):
        assert contrast(line, colours.card) >= 2.8


def test_the_sheet_knows_every_colour_it_names(qtbot: QtBot) -> None:  # noqa: ARG001 - needs the application
    assert "$" not in Theme(Qt.ColorScheme.Dark).sheet


def test_the_theme_follows_the_platform_while_running(qtbot: QtBot) -> None:
    theme = Theme()
    hints = QGuiApplication.styleHints()
    before = theme.colours.dark
    scheme = Qt.ColorScheme.Light if before else Qt.ColorScheme.Dark
    with qtbot.waitSignal(theme.changed):
        hints.colorSchemeChanged.emit(scheme)
    assert theme.colours.dark is not before
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark if before else Qt.ColorScheme.Light)


def test_a_pinned_theme_stays(qtbot: QtBot) -> None:  # noqa: ARG001 - needs the application
    theme = Theme(Qt.ColorScheme.Dark)
    QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.colours is DARK


def test_figures_have_one_width_in_any_size(qtbot: QtBot) -> None:  # noqa: ARG001 - needs the application
    by_points, by_pixels = QFont(), QFont()
    by_points.setPointSizeF(10)
    by_pixels.setPixelSize(14)
    assert text_font(by_points, 1.5).pointSizeF() == 15
    assert text_font(by_pixels, 1.5).pixelSize() == 21
    assert text_font(by_points).featureValue(QFont.Tag("tnum")) == 1
