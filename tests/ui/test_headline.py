"""The headline gives way by whole words and keeps what it is about and how many more there are."""

from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from omnitray.ui.formats import without_marks
from omnitray.ui.widgets.labels import Headline, fewer_words

LONG = "Server “gone” cannot be started because its command is not there any more and 2 more"


def test_words_in_the_middle_go_one_by_one() -> None:
    found = list(fewer_words("a b c d e f and 2 more"))
    assert found[0] == "a b c d e … and 2 more"
    assert found[-1] == "a … 2 more"
    assert list(fewer_words("one")) == []


def test_no_word_of_a_narrow_headline_is_cut(qtbot: QtBot) -> None:
    holder = QWidget()
    column = QVBoxLayout(holder)
    headline = Headline(scale=1.15)
    column.addWidget(headline)
    qtbot.addWidget(holder)
    headline.setText(LONG)
    holder.show()
    for width in (600, 400, 300, 220):
        holder.resize(width, 100)
        qtbot.wait(1)
        shown = without_marks(headline.text()).replace("\u00a0", " ").split(" ")
        assert set(shown) <= {*LONG.split(" "), "…"}
        assert shown[0] == "Server"
        assert shown[-1] == "more"
