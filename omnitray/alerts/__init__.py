"""AlertSystem: incidents, notification rules, history and channels."""
