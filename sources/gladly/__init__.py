"""Gladly: its facts, its record types and its export jobs."""
