"""Messages are whole sentences with named holes: what is glued from fragments cannot be translated.

A fragment is a text of ours that begins or ends in the middle of a sentence (with a space), or that
is put behind another with ``+``. The numbers are a ratchet: they may fall, not rise.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "omnitray"
# What is left: words that are looked for in logs and problems, and indented lines of the terminal.
MOST = {"ui": 4, "cli": 2}


def words_of(node: ast.expr) -> str | None:
    """The text of a literal, with a mark for each hole; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def is_prose(text: str) -> bool:
    """Whether a person reads it: it has a word, and is no pattern, name or markup."""
    bare = text.replace("{}", "").strip(" ·,;:.…()")
    return any(letter.isalpha() for letter in bare) and not set(bare) & set("\\<>^$|#\x1b=[]`\n")


def fragments(path: Path) -> Iterator[tuple[int, str]]:
    """What is glued to something else in a file, with its line."""
    tree = ast.parse(path.read_text())
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for part in node.values}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            text = words_of(node.right) or words_of(node.left)
            if text and is_prose(text):
                yield node.lineno, text
        elif isinstance(node, ast.expr) and id(node) not in inner:
            text = words_of(node)
            if text and text != text.strip(" ") and is_prose(text):
                yield node.lineno, text


def found(folder: str) -> list[str]:
    return [
        f"{path.relative_to(PACKAGE)}:{line}: {text!r}"
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        for line, text in fragments(path)
    ]


@pytest.mark.parametrize("folder", MOST)
def test_no_sentence_is_glued_from_fragments(folder: str) -> None:
    glued = found(folder)
    assert len(glued) <= MOST[folder], "\n".join(glued)
