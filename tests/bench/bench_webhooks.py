"""``kill -9`` at 200 moments of a program that sends its alerts to a webhook.

``OMNITRAY_BENCH_KILLS=100`` makes it fewer. The folders are killed side by side, and what failed is
tried again after half a second.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from support.bench import Row, table
from support.ram import ram_folder
from support.side_by_side import tell
from support.webhook_kills import AWAY, Outcome, after_kills

KILLS = int(os.environ.get("OMNITRAY_BENCH_KILLS", "200"))
KILLS_A_FOLDER = 10  # then a new one: what is left over is delivered after each
SIDE_BY_SIDE = 5  # most of a life is spent waiting


def _one(seed: int) -> Outcome:
    with ram_folder() as folder:
        return after_kills(folder, KILLS_A_FOLDER, seed)


def main() -> None:
    """Print the section."""
    start = time.monotonic()
    found = Outcome(0, 0, [], 0, [])
    os.environ["OMNITRAY_BENCH_RETRY_S"] = "0.5"
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        waiting = [pool.submit(_one, seed) for seed in range(KILLS // KILLS_A_FOLDER)]
        for number, each in enumerate(as_completed(waiting), start=1):
            found = found.with_(each.result())
            tell(f"{number * KILLS_A_FOLDER} kills, {found.certain:,} events")
    print(f"## Webhooks killed at {KILLS} moments\n")
    print(
        f"`kill -9` at {KILLS} random moments of a program that raises and resolves alerts as fast "
        "as they become durable, with one receiver of JSON behind a real socket, which answers 503 "
        f"at the start of {AWAY:.0%} of the lives. What was reported as durable is compared with "
        f"what arrived. It took {(time.monotonic() - start) / 60:.0f} minutes.\n"
    )
    print(
        table(
            [
                Row("events reported as durable", f"{found.certain:,}"),
                Row("arrivals", f"{found.arrived:,}"),
                Row("of these never arrived", f"{len(found.missing)}", "0", not found.missing),
                Row("incidents out of order", f"{len(found.unordered)}", "0", not found.unordered),
                Row(
                    "arrivals that repeat one that was under way",
                    f"{found.repeats}",
                    f"{KILLS}, one a kill",
                    found.repeats <= KILLS,
                ),
            ]
        )
    )
