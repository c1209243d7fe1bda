"""Question, pause, resume, undo: the whole program in dev mode, and the person at the screen.

A small machine of its own (``memory_room``, ``world``) with a test run in ``~/shop`` that grows.
Each step does what a person or the test run would do, by real clicks on what is really shown, and
returns when the kernel, the program's API and the screen agree that it is so; else the test fails.
``packaging/film.py`` takes a picture after each.
"""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Self

from support.accessible import Accessible, offer_accessibility
from support.desktop import Desktop, wait_until
from support.memory_room import MemoryRoom
from support.notification_daemons import Corner, start_xfce_notifyd
from support.running import OmniTray, command
from support.shop import JOB, MB, Shop
from support.world import World

_ROOM_BYTES = 1 << 30
_CALM_BYTES = 500 * MB
_PACE_BPS = 20 * MB
_HURRY_BPS = 80 * MB
_OVER_PERCENT, _UNDER_PERCENT = 81.0, 75.0  # of the room; the limit is 80
_ACTS_WITHIN_S = 40.0
_NOTIFICATION, _WINDOW = "xfce4-notifyd", "OmniTray"
_SETTINGS = 'mode = "dev"\n[protect]\nstate = "on"\n'
_ON_THE_NOTIFICATION = [
    "Keep paused",
    "Let it run, slowed",
    "More…",
]  # nothing final, in this order
_IN_THE_WINDOW = [
    "Keep paused",
    "Let it run, slowed",
    "Leave it alone for 1 h",
    "Never touch this",
    "End",
]


class QuestionFlow:
    """The program, the test run and what is on the screen; used as a context manager."""

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            self._room = MemoryRoom(_ROOM_BYTES)
            ending.callback(self._room.end)
            world = World()
            ending.callback(world.end)
            world.hold_processors(self.desktop.folder)
            ending.callback(self.desktop.stop)
            inside = (*self._room.prefix, *world.prefix)
            self.program = OmniTray(self.desktop, prefix=inside)
            self.shop = Shop(self.desktop.home, inside)
            ending.callback(self.shop.end)
            offer_accessibility(self.desktop)
            self.screen = ending.enter_context(Accessible(self.desktop))
            self._ending = ending.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """All that happens, in its order, by name."""
        for name, step in STEPS.items():
            yield name, partial(step, self)

    def start(self) -> None:
        """The test run, the program, and its window on the Protection page."""
        self._remember_page("protection")
        self.start_unseen()
        self._run_again()
        self.screen.wait_for("Protection is on", _WINDOW)

    def start_unseen(self) -> None:
        """The test run and the program, of which no window is open."""
        start_xfce_notifyd(self.desktop, Corner.BOTTOM_RIGHT)  # no button is covered
        self.program.configure(_SETTINGS)
        self.program.start()
        self.shop.start(self.desktop.environment)
        self.shop.grow(_CALM_BYTES, _HURRY_BPS)

    def be_calm(self) -> None:
        """The tests hold what they need, and nothing is held back."""
        self.be_filled()
        self.screen.wait_for("Nothing is held back", _WINDOW)  # however busy the processors

    def be_filled(self) -> None:
        """The same, whether a window is open or not."""
        wait_until(
            lambda: self.shop.rss_bytes >= _CALM_BYTES,
            "the tests hold what they need",
            timeout_s=_ACTS_WITHIN_S,
        )
        self._wait_until_held()

    def be_asked(self) -> None:
        """The tests grow: before memory runs out they are paused, and the person is asked."""
        self.be_notified()
        self.see_all_answers()
        self.screen.wait_for(f"Resume: {JOB}", _WINDOW)

    def be_notified(self) -> None:
        """The tests grow and are paused, and the notification offers nothing that is final."""
        self.shop.grow(_ROOM_BYTES, _PACE_BPS)
        wait_until(self.shop.is_stopped, "it is paused", timeout_s=_ACTS_WITHIN_S)
        self.shop.stay()
        self.screen.wait_for(_ON_THE_NOTIFICATION[-1], _NOTIFICATION)
        shown = self.screen.names(_NOTIFICATION)
        first = shown.index(f"{JOB}: what shall be done?") + 2  # after the title, the text
        assert shown[first : first + 3] == _ON_THE_NOTIFICATION
        assert not set(shown) & set(_IN_THE_WINDOW[2:])
        assert "Show details" not in shown  # the alert of the same matter has no place of its own
        short = [each for each in self.program.stored() if each["context"].get("resource")]
        assert [each["context"]["resource"] for each in short] == ["memory"], short
        self._wait_until_held(f"{JOB} paused")

    def see_all_answers(self) -> None:
        """The window's question: every answer, what can be taken back first."""
        answers = [f"{words}: {JOB}" for words in _IN_THE_WINDOW]
        self.screen.wait_for(answers[-1], _WINDOW)
        assert [name for name in self.screen.names(_WINDOW) if name in answers] == answers

    def want_more(self) -> None:
        """The notification's *More…*: the window opens on the question, and nothing is answered."""
        assert self.screen.names(_WINDOW) == []
        self.screen.press("More…", _NOTIFICATION)
        self.see_all_answers()
        self._wait_until_held(f"{JOB} paused")
        assert self.shop.is_stopped()

    def end_it(self) -> None:
        """The question's *End*: the tests are ended."""
        self.screen.press(f"End: {JOB}", _WINDOW)
        assert self.shop.wait_until_it_has_ended() == -signal.SIGTERM
        self.screen.wait_without(f"End: {JOB}", _WINDOW)
        self._wait_until_held()

    def keep_paused(self) -> None:
        """The notification's *Keep paused*: it stays paused, and nothing is asked any more."""
        self.screen.press("Keep paused", _NOTIFICATION)
        self.screen.wait_without("More…", _NOTIFICATION)
        self.screen.wait_without(f"Leave it alone for 1 h: {JOB}", _WINDOW)
        self._wait_until_held(f"{JOB} paused")
        assert self.shop.is_stopped()

    def resume(self) -> None:
        """The window's *Resume*: it runs again."""
        self.screen.press(f"Resume: {JOB}", _WINDOW)
        self.shop.wait_until_it_runs()
        self.screen.wait_without(f"Resume: {JOB}", _WINDOW)
        self._wait_until_held()

    def be_slowed_down(self) -> None:
        """The tests grow on: over the limit they are slowed down, and not paused once more."""
        self.shop.grow(_ROOM_BYTES, _PACE_BPS)
        self._wait_until_used(lambda percent: percent > _OVER_PERCENT)
        self.shop.stay()
        self._wait_until_held(f"{JOB} slowed down")
        self.shop.wait_until_it_runs()
        self._give_some_back()
        self.screen.point_at(f"Undo: {JOB}", _WINDOW)

    def _give_some_back(self) -> None:
        """Below the limit, not so far that it is undone by itself: what is undone stays so."""
        more_percent = self._used_percent() - _UNDER_PERCENT
        self.shop.grow(self.shop.rss_bytes - round(more_percent / 100 * _ROOM_BYTES), _PACE_BPS)
        self._wait_until_used(lambda percent: percent < _OVER_PERCENT - 2)

    def undo(self) -> None:
        """The window's *Undo*, and the tests come to their end."""
        before = self.shop.autogroup_nice
        self.screen.press(f"Undo: {JOB}", _WINDOW)
        self._wait_until_held()
        assert self.shop.autogroup_nice != before or before == 0
        assert self.shop.finish() == 0
        self.screen.wait_without(f"Undo: {JOB}", _WINDOW)

    def look_back(self) -> None:
        """The alerts page: what happened is told there, and over."""
        wait_until(
            lambda: self.program.alert_of("RESOURCE_CRITICAL", "resolved"),
            "the story is over",
            timeout_s=_ACTS_WITHIN_S,
        )
        self.screen.press("Alerts", _WINDOW)

    def _wait_until_held(self, *phrases: str) -> None:
        def holding() -> bool:
            found = self.program.get("status")["protector"]["holding"]
            return bool(found == list(phrases))

        wait_until(holding, f"held: {phrases}", timeout_s=_ACTS_WITHIN_S)

    def _used_percent(self) -> float:
        return float(self.program.get("status")["monitor"]["snapshot"]["memory_percent"])

    def _wait_until_used(self, so: Callable[[float], bool]) -> None:
        wait_until(lambda: so(self._used_percent()), "so much is used", timeout_s=_ACTS_WITHIN_S)

    def _remember_page(self, page: str) -> None:
        place = self.program.home / "state" / "window.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"page": page}))

    def _run_again(self) -> None:
        """A second start shows the first one's window."""
        environment = self.desktop.environment | {"OMNITRAY_HOME": str(self.program.home)}
        prefix = self.program.prefix
        subprocess.run((*prefix, command()), env=environment, check=True, capture_output=True)


STEPS: dict[str, Callable[[QuestionFlow], None]] = {
    "calm": QuestionFlow.be_calm,
    "question": QuestionFlow.be_asked,
    "paused": QuestionFlow.keep_paused,
    "resumed": QuestionFlow.resume,
    "slowed": QuestionFlow.be_slowed_down,
    "undone": QuestionFlow.undo,
    "alerts": QuestionFlow.look_back,
}
