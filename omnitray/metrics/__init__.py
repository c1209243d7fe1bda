"""Long-term metrics: what the machine did by minute, hour, day and month, and the text of /metrics.

``aggregate`` says what is kept, turns what the program sees into minutes and sums these up,
``store`` keeps them in SQLite, ``exposition`` writes OpenMetrics.
"""
