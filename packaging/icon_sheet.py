"""The contact sheet of the tray icon: every state and style, in every size, on both panels.

Painted by the code that paints the icon, at the size of the tray: nothing is scaled.
"""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from omnitray.ui.tray.badge import Badge
from omnitray.ui.tray.icon import TRAY_SIZES, IconFacts, Panel, draw_icon

_GROUNDS = {Panel.DARK: "#1d2023", Panel.LIGHT: "#ebedef"}
_FIGURES = (34, 62)
_TRAIL = (12, 18, 16, 30, 64, 92, 88, 60, 40, 36, 30, 34)
_PAD, _LABEL, _ROW, _HEAD = 20, 190, 76, 40
_STYLE_SIZES = (16, 22, 32)


def facts_of(badge: Badge, show: str = "bars") -> IconFacts:
    """The icon of a state in a style, with the same figures everywhere."""
    seen = badge is not Badge.BLIND
    cpu, memory = _FIGURES if seen else (None, None)
    return IconFacts(
        cpu_percent=cpu if show in ("bars", "figure") else None,
        memory_percent=memory if show == "bars" else None,
        badge=badge,
        show=show,  # type: ignore[arg-type]  # the names of the setting
        trail=(_TRAIL if seen else (None,) * 12) if show == "graph" else (),
    )


def sheet() -> QImage:
    """The whole sheet."""
    sizes_wide = sum(TRAY_SIZES) + _PAD * (len(TRAY_SIZES) + 1)
    styles = ("figure", "graph", "glyph")
    style_wide = sum(_STYLE_SIZES) + _PAD * (len(_STYLE_SIZES) + 1)
    width = _LABEL + 2 * (sizes_wide + len(styles) * style_wide) + 2 * _PAD
    image = QImage(width, _HEAD + _ROW * len(Badge) + _PAD, QImage.Format.Format_RGB32)
    image.fill(QColor("#ffffff"))
    painter = QPainter(image)
    font = QFont("Inter")
    font.setPixelSize(13)
    painter.setFont(font)
    left = _LABEL
    for panel, ground in _GROUNDS.items():
        wide = sizes_wide + len(styles) * style_wide
        painter.fillRect(left, _HEAD, wide, _ROW * len(Badge), QColor(ground))
        _write(
            painter, left + _PAD, 0, f"bars: {', '.join(map(str, TRAY_SIZES))} px, {panel.value}"
        )
        _paint_column(painter, left, panel, TRAY_SIZES, "bars")
        left += sizes_wide
        for show in styles:
            _write(painter, left + _PAD, 0, show)
            _paint_column(painter, left, panel, _STYLE_SIZES, show)
            left += style_wide
        left += _PAD
    for row, badge in enumerate(Badge):
        _write(painter, _PAD, _HEAD + row * _ROW + (_ROW - _HEAD) / 2, badge.value)
    painter.end()
    return image


def _write(painter: QPainter, left: float, top: float, text: str) -> None:
    painter.setPen(QColor("#1a1d21"))
    painter.drawText(QRectF(left, top, 400, _HEAD), Qt.AlignmentFlag.AlignVCenter, text)


def _paint_column(
    painter: QPainter, left: int, panel: Panel, sizes: tuple[int, ...], show: str
) -> None:
    for row, badge in enumerate(Badge):
        x = left + _PAD
        for size in sizes:
            top = _HEAD + row * _ROW + (_ROW - size) // 2
            painter.drawImage(QPointF(x, top), draw_icon(facts_of(badge, show), panel, size))
            x += size + _PAD
