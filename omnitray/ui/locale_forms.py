"""The locale of the desktop as :mod:`omnitray.ui.formats` uses it."""

from PySide6.QtCore import QLocale

from omnitray.ui.formats import LocaleForms


def forms_of(locale: QLocale) -> LocaleForms:
    """Decimal point, hours, names of the months, and which of day and month comes first."""
    short = QLocale.FormatType.ShortFormat
    date = locale.dateFormat(short)
    months = tuple(locale.monthName(month, short).rstrip(".") for month in range(1, 13))
    return LocaleForms(
        decimal=locale.decimalPoint(),
        twelve_hours="a" in locale.timeFormat(short).casefold(),
        months=months if all(months) else LocaleForms().months,
        month_first=0 <= date.find("M") < date.find("d"),
    )
