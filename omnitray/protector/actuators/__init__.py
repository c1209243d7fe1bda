"""Means of acting on a job and the way back: priority, cgroup, signals, journal."""
