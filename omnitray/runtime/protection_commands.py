"""What the API asks of the protector: a future that is done when it has happened."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from omnitray.api import facade, wire
from omnitray.protector.actuators.results import Initiator, UndoResult
from omnitray.protector.view import ActionFeedback, Answer
from omnitray.runtime.cleaning import Cleaned
from omnitray.runtime.protection_text import cleaning_done
from omnitray.runtime.protection_worker import Engine
from omnitray.runtime.recordings import ASKED, file_name

_ASKED = "you asked for it"


class Cleans(Protocol):
    """What cleans the person's disk, or looks what that would free."""

    def __call__(self, *, dry_run: bool) -> "Future[Cleaned]":
        """Start; the future holds RuntimeError while something else is cleaned."""
        ...


class ProtectCommands:
    """Carries them out: ``ask`` runs something on the protector's thread.

    ``expect`` hears the file of each recording that is begun, on that thread.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[Engine], Any]], "Future[Any]"],
        clean: Cleans,
        expect: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._expect = expect
        self._clean = clean

    def carry_out(self, command: facade.Command[Any]) -> "Future[wire.Done]":
        """Start it; what is not known here is refused."""
        if isinstance(command, facade.Undo):
            return self._undone(
                lambda engine: engine.protecting.undo(command.action_id, _ASKED, Initiator.API),
                command.action_id,
            )
        if isinstance(command, facade.UndoAll):
            return self._undone(
                lambda engine: engine.protecting.undo_all(_ASKED, Initiator.API), ""
            )
        if isinstance(command, facade.Clean):
            return self._cleaned(dry_run=command.dry_run)
        if isinstance(command, facade.StartRecording):
            return self._recorded(command.for_s)
        raise facade.CommandRefused(
            facade.Refusal.NOT_NOW, f"{type(command).__name__} is not known here"
        )

    def replied(
        self, reply: Callable[[Engine], ActionFeedback], answer: Answer
    ) -> "Future[wire.Done]":
        """Carry a person's answer out; refused where nothing came of it, with the reason."""
        result: Future[wire.Done] = Future()
        acts = answer in {Answer.SLOW_DOWN, Answer.PAUSE, Answer.END}

        def on_done(future: "Future[ActionFeedback]") -> None:
            if (error := future.exception()) is not None:
                result.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
                return
            feedback = future.result()
            if acts and not feedback.action_id:
                refused = facade.CommandRefused(facade.Refusal.NOT_NOW, feedback.sentence)
                result.set_exception(refused)
            else:
                result.set_result(wire.Done(done=(feedback.sentence,)))

        self._ask(reply).add_done_callback(on_done)
        return result

    def take_back(self, action_ids: tuple[str, ...]) -> "Future[wire.Done]":
        """Undo these actions."""
        return self._undone(
            lambda engine: tuple(
                each
                for action_id in action_ids
                for each in engine.protecting.undo(action_id, _ASKED, Initiator.API)
            ),
            action_ids[0],
        )

    def _undone(
        self, undo: Callable[[Engine], tuple[UndoResult, ...]], action_id: str
    ) -> "Future[wire.Done]":
        answer: Future[wire.Done] = Future()

        def on_done(future: "Future[tuple[UndoResult, ...]]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
            elif action_id and not future.result():
                detail = f"No action {action_id} is in force."
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_FOUND, detail))
            else:
                done = tuple(each.sentence for each in future.result())
                answer.set_result(wire.Done(done=done))

        self._ask(undo).add_done_callback(on_done)
        return answer

    def _recorded(self, for_s: float) -> "Future[wire.Done]":
        """Begin; the answer names the file that will be there when it is over."""
        answer: Future[wire.Done] = Future()

        def on_begun(future: "Future[str]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
                return
            name = file_name(ASKED, future.result())
            self._expect(name)
            answer.set_result(wire.Done(done=(name,)))

        self._ask(lambda engine: engine.protecting.record(for_s)).add_done_callback(on_begun)
        return answer

    def _cleaned(self, *, dry_run: bool) -> "Future[wire.Done]":
        answer: Future[wire.Done] = Future()

        def on_done(future: "Future[Cleaned]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
            else:
                answer.set_result(cleaning_done(future.result()))

        self._clean(dry_run=dry_run).add_done_callback(on_done)
        return answer
