"""``kill -9`` at 200 moments of a program that sends its alerts to a webhook."""

import time

from support.bench import Row, table
from support.ram import ram_folder
from support.side_by_side import tell
from support.webhook_kills import AWAY, Outcome, after_kills

KILLS = 200
KILLS_A_FOLDER = 20  # then a new one: what is left over is delivered after each


def main() -> None:
    """Print the section."""
    start = time.monotonic()
    found = Outcome(0, 0, [], 0, [])
    for seed in range(KILLS // KILLS_A_FOLDER):
        with ram_folder() as folder:
            one = after_kills(folder, KILLS_A_FOLDER, seed)
        found = found.with_(one)
        tell(f"{(seed + 1) * KILLS_A_FOLDER} kills, {found.certain:,} events")
    print("## Webhooks killed at 200 moments\n")
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
