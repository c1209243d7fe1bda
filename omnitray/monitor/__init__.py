"""ProgressiveMonitor: sampling, levels, thresholds and reports."""
