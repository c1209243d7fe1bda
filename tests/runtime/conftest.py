"""What the tests of the runtime leave behind is collected on the thread that made it."""

import gc
from collections.abc import Iterator

import pytest

from support.surprises import end_qt_threads


@pytest.fixture(autouse=True, scope="module")
def _no_garbage_for_other_threads() -> Iterator[None]:
    """Qt objects that a worker thread of the next module collected would end the process."""
    yield
    end_qt_threads()
    gc.collect()
