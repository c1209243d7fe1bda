"""What the machine says: readings, rates, levels, thresholds, forecasts and the guard's pace."""
