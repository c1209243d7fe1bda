"""A process of a job, weighed for one rung of the ladder."""

import msgspec

from omnitray.base.facts import ProcessFacts
from omnitray.protector.identity import Identity
from omnitray.protector.protect_reasons import SparedReason

WORTH_WRITING_BPS = 1 << 20  # slower writers fill no disk while somebody watches
HORIZON_S = 30.0  # what grows counts as if it had grown for so long already


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a job, weighed."""

    process: ProcessFacts
    identity: Identity
    growth_bps: float
    write_bps: float
    spared: SparedReason | None

    @property
    def future_bytes(self) -> float:
        """What it holds, and will at its growth."""
        return self.process.rss_bytes + max(0.0, self.growth_bps) * HORIZON_S
