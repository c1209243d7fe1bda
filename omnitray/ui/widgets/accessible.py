"""What widgets that Qt has no role for are to a screen reader, and how it announces news.

A widget class names its role in ``accessible_role``. Without it Qt calls such a widget a *filler*,
which screen readers pass over.
"""

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface
from PySide6.QtWidgets import QAbstractButton, QAccessibleWidget, QWidget

_CHOSEN = {QAccessible.Role.PageTab}
_CHECKED = {QAccessible.Role.CheckBox, QAccessible.Role.RadioButton}
_PRESS = "Press"
_installed = False


class RoledWidget(QAccessibleWidget):
    """The interface of a widget with a role of its own."""

    def text(self, which: QAccessible.Text) -> str:
        """The words; a button that is given no other name has that of its text."""
        found = super().text(which)
        widget = self.object()
        if which == QAccessible.Text.Name and not found and isinstance(widget, QAbstractButton):
            return widget.text()
        return found

    def state(self) -> QAccessible.State:
        """What it is now: chosen, checked."""
        state, widget = super().state(), self.object()
        if isinstance(widget, QAbstractButton):
            if self.role() in _CHOSEN:
                state.selectable, state.selected = 1, int(widget.isChecked())
            if self.role() in _CHECKED:
                state.checkable, state.checked = 1, int(widget.isChecked())
        return state

    def actionNames(self) -> list[str]:  # noqa: N802 - Qt's name
        """What can be done with it."""
        return [_PRESS] if isinstance(self.object(), QAbstractButton) else super().actionNames()

    def doAction(self, name: str) -> None:  # noqa: N802 - Qt's name
        """Press it."""
        widget = self.object()
        if name == _PRESS and isinstance(widget, QAbstractButton):
            widget.click()
        else:
            super().doAction(name)


def give_roles() -> None:
    """Let Qt ask for the roles of our widgets. Idempotent; costs nothing without a reader."""
    global _installed  # noqa: PLW0603 - Qt's list of factories is as global
    if not _installed:
        _installed = True
        QAccessible.installFactory(_interface_of)


def _interface_of(_kind: str, thing: QObject) -> QAccessibleInterface | None:
    role = getattr(type(thing), "accessible_role", None)
    return RoledWidget(thing, role) if role is not None and isinstance(thing, QWidget) else None


def announce(widget: QWidget, words: str, *, urgent: bool = False) -> None:
    """Let a screen reader say something that has just come; ``urgent`` interrupts it."""
    if words and QAccessible.isActive():
        event = QAccessibleAnnouncementEvent(widget, words)
        levels = QAccessible.AnnouncementPoliteness
        event.setPoliteness(levels.Assertive if urgent else levels.Polite)
        QAccessible.updateAccessibility(event)
