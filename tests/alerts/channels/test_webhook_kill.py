"""kill -9 at random moments: each alert that was certain arrives, in order, hardly twice."""

from pathlib import Path

import pytest

from support.webhook_kills import after_kills

KILLS = 3  # 200 by ``dev.py bench webhooks``


@pytest.mark.slow
def test_after_kills_at_random_moments_nothing_is_lost_and_the_order_holds(tmp_path: Path) -> None:
    found = after_kills(tmp_path, KILLS, seed=7)
    assert found.certain > 0
    assert (found.missing, found.unordered) == ([], [])
    assert found.repeats <= KILLS
