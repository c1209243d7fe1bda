"""What ``omnitray doctor`` found: verdict, sentence, remedy."""

import enum

import msgspec


class FindingVerdict(enum.StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"  # works with less
    FAIL = "fail"  # does not work


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, what was found, and what helps."""

    topic: str
    verdict: FindingVerdict
    found: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.topic}: {self.found}" + (f"; {self.remedy}" if self.remedy else "")


def ok(topic: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(topic=topic, verdict=FindingVerdict.OK, found=found)


def warn(topic: str, found: str, remedy: str) -> Finding:
    """It works with less."""
    return Finding(topic=topic, verdict=FindingVerdict.WARN, found=found, remedy=remedy)


def fail(topic: str, found: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(topic=topic, verdict=FindingVerdict.FAIL, found=found, remedy=remedy)
