"""Long-term metrics: what the machine did by minute, hour, day and month, and the text of /metrics.

``recorder`` says what is kept and turns what the program sees into minutes, ``aggregate`` sums up
samples, ``store`` keeps them in SQLite, ``exposition`` writes OpenMetrics.
"""
