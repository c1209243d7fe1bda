"""What is wrong with a file that is not valid TOML, in the words of a person who edits it. Pure.

``tomllib`` names the place at which it could not go on, which is often behind the fault: a quote
that is missing is an "Illegal character" at the end of its line, a list without its end is noticed
at the next line. Nothing of the file is repeated: the line may hold the secret of a webhook.
"""

import re
import tomllib

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# Possessive: a line of blanks is looked through once, and not once for each of them.
_HEADER = re.compile(r"\s*(\[\[?)[^\[\]=#]*+(\]*)\s*(#.*)?$")
_CURLY = re.compile("[\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019]")
_FIGURE = re.compile(r"[+-]?\d+(?:\.\d+)?(?:,\d+)?\s*[%A-Za-z]*$")
_ONE_QUOTED = re.compile(r"""(?:"[^"]*"|'[^']*')\s*\S""")
_MISSING_BRACKET = "a bracket is missing or too many: a section is [name], a table of many [[name]]"
_MISSING_QUOTE = "a quote ({}) is missing at the end of its text, or there is one too many"


def explained(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """The line (from 1) and what is wrong there; without plain words, what the parser says."""
    said = _PLACE.sub("", f"{error}")
    place = _PLACE.search(f"{error}")
    lines = text.splitlines() or [""]
    if place and place[1]:
        number = min(int(place[1]), len(lines))
    else:  # at the end of the document: the last line that has something on it
        number = max((at for at, line in enumerate(lines, 1) if line.strip()), default=1)
        open_text = (at for at, line in enumerate(lines, 1) if _opens_a_text(line))
        number = next(open_text, number)
    if said.startswith(("Unclosed array", "Unclosed inline table")):
        return _unclosed(lines, number, said)
    return number, _of_line(lines[number - 1], said) or said


def _of_line(line: str, said: str) -> str:
    """The common faults of one line; empty where it is none of them."""
    header = _HEADER.match(line)
    if header is not None and len(header[1]) != len(header[2]):
        return _MISSING_BRACKET
    if said.startswith("Cannot overwrite a value"):
        return "this setting stands in the file twice: take one out"
    if said.startswith("Cannot declare") and said.endswith("twice"):
        return "this section stands in the file twice: put the two together"
    _, equals, value = line.partition("=")
    if said.startswith("Expected '='"):
        return _of_name(line)
    return _of_value(value.strip()) if equals else ""


def _of_name(line: str) -> str:
    if "=" in line:
        return "a name before = is one word of the letters a to z, digits, - and _"
    if line.rstrip().endswith("]"):
        return _MISSING_BRACKET
    return "an = is missing between a name and its value"


def _of_value(value: str) -> str:
    if not value or value.startswith("#"):
        return "a value is missing behind the ="
    if hint := _of_quotes(value):
        return hint
    bare = value.partition("#")[0].strip()
    if bare.lower() in {"true", "false"}:
        return "true and false are written in small letters"
    if _FIGURE.match(bare):
        return "a number stands alone, with a point, without a unit"
    return 'a text stands between quotes (")' if bare[:1].isalpha() or bare[:1] in "~/" else ""


def _of_quotes(value: str) -> str:
    if value.startswith(('"""', "'''")):
        return "a text that begins with three quotes has no three at its end"
    if quote := _odd_quote(value):
        return _MISSING_QUOTE.format(quote)
    if _CURLY.match(value):
        return 'the quotes are typographic ones: write straight ones (")'
    if value.startswith('"') and "\\" in value:
        return "a \\ between double quotes is written twice, or the quotes are single ones (')"
    if _ONE_QUOTED.match(value):
        return "there is something behind the value: each setting has a line of its own"
    return ""


def _unclosed(lines: list[str], number: int, said: str) -> tuple[int, str]:
    """A list or an inline table without its end, at the line on which it begins."""
    opening, closing = ("[", "]") if "array" in said else ("{", "}")
    for at in range(number, 0, -1):
        _, equals, value = lines[at - 1].partition("=")
        if equals and value.lstrip().startswith(opening):
            if quote := _odd_quote(value):
                return at, _MISSING_QUOTE.format(quote)
            if value.count(opening) > value.count(closing):
                return at, f"a bracket ({closing}) is missing at the end of what begins here"
            return at, "a comma is missing between two values"
    return number, said


def _opens_a_text(line: str) -> bool:
    """Whether a text begins on the line and does not end there."""
    value = line.partition("=")[2].strip()
    return value.startswith(('"', "'")) and bool(_odd_quote(value) or value in {'"""', "'''"})


def _odd_quote(value: str) -> str:
    """The kind of quote of which there is an odd number; one behind a backslash is a letter."""
    places = {value.find(each): each for each in ('"', "'") if each in value}
    if not places:
        return ""
    quote = places[min(places)]
    found = re.findall(rf"(?<!\\){quote}", value) if quote == '"' else value.split(quote)[1:]
    return quote if len(found) % 2 else ""
