"""Reasons with words: a member of such an enum is its code and carries its sentence."""

import enum
from typing import Self


class Said(enum.StrEnum):
    """The code travels and is stored; :attr:`sentence` is what a person reads."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """``NAME = "code", "The sentence."``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member
