"""A table that is computed and thrown away: 400 MB for five seconds."""

import time

import numpy as np

table = np.random.default_rng(1).random(50_000_000)
table.sort()
time.sleep(5.0)
