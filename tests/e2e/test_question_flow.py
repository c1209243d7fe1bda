"""What a person goes through, with real clicks: asked, keeps it paused, resumes it, undoes."""

from collections.abc import Iterator

import pytest

from support.desktop import Desktop
from support.question_flow import QuestionFlow
from support.shop import JOB


@pytest.fixture
def flow(desktop: Desktop) -> Iterator[QuestionFlow]:
    with QuestionFlow(desktop) as running:
        yield running


@pytest.mark.timeout(300)  # it waits for memory to fill up twice; 60 s where little else runs
def test_the_person_is_asked_keeps_it_paused_resumes_it_and_undoes_what_comes_after(
    flow: QuestionFlow,
) -> None:
    flow.start()
    for _, step in flow.steps():
        step()  # each fails by itself where it does not come to be
    journal = flow.program.journal()
    began = [each for each in journal if each["event"] == "begin"]
    assert [(each["rung"], each["title"]) for each in began] == [
        ("pause", JOB),
        ("slow_down", JOB),
    ]
    undone = {each["id"]: each for each in journal if each["event"] == "undone"}
    assert [undone[each["id"]]["outcome"] for each in began] == ["restored", "restored"]
    assert [undone[each["id"]]["who"] for each in began] == ["person", "person"]
    assert flow.program.end() == 0
    assert "ERROR" not in flow.program.log


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("tray_watcher")  # where there is no tray, the window opens by itself
def test_more_opens_the_window_on_all_answers_and_one_of_them_ends_it(flow: QuestionFlow) -> None:
    flow.start_unseen()
    flow.be_filled()
    flow.be_notified()
    flow.want_more()
    assert not flow.program.journal("begin", rung="end")
    flow.end_it()
    assert [each["rung"] for each in flow.program.journal("begin")] == ["pause", "end"]
    assert flow.program.journal("result", outcome="ended")
    assert flow.program.end() == 0
    assert "ERROR" not in flow.program.log
