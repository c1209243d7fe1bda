"""Long-term metrics: what the machine did by minute, hour, day and month, and the text of /metrics.

``series`` says what is kept, ``aggregate`` sums up samples, ``store`` keeps them in SQLite,
``recorder`` turns what the program sees into minutes, ``exposition`` writes OpenMetrics.
"""
