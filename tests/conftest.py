"""Shared fixtures. Anything unexpected (warning, log record, Qt message) fails the test."""
