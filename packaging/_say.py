"""What the person reads: progress, and one sentence with the command that helps."""

import sys


class Problem(Exception):  # noqa: N818 - it is a sentence for the person, not an error of ours
    """Something the person can put right: ``sentence`` says what, ``command`` how."""

    def __init__(self, sentence: str, command: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.command = command


def say(text: str) -> None:
    """One line of progress; never on stdout, which belongs to the program."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(problem: Problem) -> None:
    """The sentence and the command."""
    say(f"{problem.sentence}\n  Try: {problem.command}")
