"""Real programs: their answers, their failures, and the one that never ends."""

from pathlib import Path

from omnitray.platforms.programs import PathPrograms


def test_what_a_program_says_is_its_answer(tmp_path: Path) -> None:
    answer = PathPrograms(home=tmp_path).run(["pwd"])
    assert (answer.exit_code, answer.output) == (0, str(tmp_path))


def test_a_failure_is_told_in_the_programs_words() -> None:
    answer = PathPrograms().run(["ls", "/not/there"])
    assert answer.exit_code != 0
    assert "No such file" in answer.output


def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    PathPrograms(home=tmp_path).run(["echo", "$(touch made)", ";", "touch", "made"])
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_never_ends_is_ended() -> None:
    assert PathPrograms(limit_s=0.1).run(["sleep", "60"]).exit_code == 127


def test_a_program_that_waits_for_input_gets_none() -> None:
    assert PathPrograms().run(["cat"]).output == ""


def test_a_program_that_is_not_there() -> None:
    assert not PathPrograms().has("not-a-program")
    assert PathPrograms().run(["not-a-program"]).exit_code == 127
