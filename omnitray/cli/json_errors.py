"""Wrong usage as an error object, where ``--json`` asks for objects."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import NoReturn


class JsonErrorParser(argparse.ArgumentParser):
    """Prints what is wrong with the words as an error object of the API, on standard output."""

    def error(self, message: str) -> NoReturn:
        """Print the object and end with the status of a wrong usage."""
        sys.stdout.write(json.dumps({"error": "usage", "detail": message}) + "\n")
        self.exit(2)


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether ``--json`` stands among our own words; what follows ``--`` is a command's."""
    own = words[: words.index("--")] if "--" in words else words
    return "--json" in own
