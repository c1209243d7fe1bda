import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base import amounts
from omnitray.ui import formats


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (9_960_000, "10 MB"),
        (71_000_000, "71 MB"),
        (999_600_000, "1.0 GB"),
        (14_200_000_000, "14.2 GB"),
        (99_960_000_000, "100 GB"),
        (2_500_000_000_000, "2.5 TB"),
        (-1_500_000, "-1.5 MB"),
    ],
)
def test_a_gigabyte_is_ten_to_the_ninth_bytes(count: float, expected: str) -> None:
    assert amounts.size(count) == expected


@given(st.integers(0, 10**15))
def test_window_and_command_line_say_a_size_in_the_same_words(count: int) -> None:
    assert formats.size(count) == amounts.size(count)
    assert formats.rate(count) == amounts.rate(count) == f"{amounts.size(count)}/s"


def test_a_context_is_taken_up_to_32_levels_and_64_kb() -> None:
    def nested(levels: int) -> dict[str, object]:
        value: dict[str, object] = {"end": 1}
        for _ in range(levels - 1):
            value = {"down": value}
        return value

    assert amounts.context(nested(32)) == nested(32)
    assert amounts.context(nested(33)) == {"context_removed": "it is nested deeper than 32 levels"}
    assert amounts.context({"x": "y" * 63_000}) == {"x": "y" * 63_000}
    assert "context_removed" in amounts.context({"x": "y" * 65_000})
