"""What a person reads where the settings file is not valid TOML."""

import time

import pytest

from omnitray.settings.faults import Fault
from omnitray.settings.file import parse

QUOTE = 'a quote (") is missing at the end of its text, or there is one too many'
BRACKET = "a bracket is missing or too many: a section is [name], a table of many [[name]]"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('mode = "dev\n[protect\n', 1, QUOTE),
        ('mode = dev"\n', 1, QUOTE),
        ('level = "auto"\nmode = \'dev\n\n[api]\n', 2, QUOTE.replace('"', "'")),
        ('[protect]\nprotected = ["a, "b"]\n', 2, QUOTE),
        ("look = \"light\"\n[protect\nstate = 'on'\n", 2, BRACKET),
        ("[protect]]\n", 1, BRACKET),
        ("protect]\n", 1, BRACKET),
        ('[[rule]\nmatch = "x"\n', 1, BRACKET),
        (
            '[protect]\nprotected = ["a", "b"\nstate = "on"\n',
            2,
            "a bracket (]) is missing at the end of what begins here",
        ),
        (
            "env = { A = 1\nb = 2\n",
            1,
            "a bracket (}) is missing at the end of what begins here",
        ),
        ('protected = ["a" "b"]\n', 1, "a comma is missing between two values"),
        ("mode = dev\n", 1, 'a text stands between quotes (")'),
        ("mode =\n", 1, "a value is missing behind the ="),
        ("mode = # dev\n", 1, "a value is missing behind the ="),
        ('mode "dev"\n', 1, "an = is missing between a name and its value"),
        ("enabled = True\n", 1, "true and false are written in small letters"),
        ("warning = 70 %\n", 1, "a number stands alone, with a point, without a unit"),
        ("warning = 70,5\n", 1, "a number stands alone, with a point, without a unit"),
        ("my port = 1\n", 1, "a name before = is one word of the letters a to z, digits, - and _"),
        (
            "mode = \u201cdev\u201d\n",
            1,
            'the quotes are typographic ones: write straight ones (")',
        ),
        (
            'command = "\\shop"\n',
            1,
            "a \\ between double quotes is written twice, or the quotes are single ones (')",
        ),
        (
            'mode = "dev" level = "auto"\n',
            1,
            "there is something behind the value: each setting has a line of its own",
        ),
        ('mode = "a"\nmode = "b"\n', 2, "this setting stands in the file twice: take one out"),
        ("[api]\n[api]\n", 2, "this section stands in the file twice: put the two together"),
        ('mode = """\ndev\n', 1, "a text that begins with three quotes has no three at its end"),
    ],
)
def test_a_common_fault_is_said_in_plain_words_with_its_line(
    text: str, line: int, hint: str
) -> None:
    (problem,) = parse(text).problems
    assert (problem.fault, problem.line, problem.hint) == (Fault.BROKEN, line, hint)


def test_what_has_no_plain_words_is_what_the_parser_says() -> None:
    (problem,) = parse("\x01").problems
    assert problem.hint.startswith("Invalid statement")


@pytest.mark.parametrize("text", ['secret = "hunter2', "secret = hunter2", 'hunter2"', "hunter2 ="])
def test_nothing_of_the_file_is_repeated_for_it_may_be_a_secret(text: str) -> None:
    (problem,) = parse(text).problems
    assert "hunter2" not in problem.sentence


def test_a_line_of_blanks_is_explained_at_once() -> None:
    began_s = time.process_time()
    (problem,) = parse("[protect" + 50_000 * " " + "=").problems
    assert problem.fault is Fault.BROKEN
    assert time.process_time() - began_s < 2.0
