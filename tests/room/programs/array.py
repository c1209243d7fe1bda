"""numpy in a terminal: an array more each epoch, 200 MB each, two a second."""

import time

import numpy as np

epochs = []
for _ in range(20):
    epochs.append(np.ones(25_000_000))
    time.sleep(0.5)
time.sleep(300)
