"""Formats of dates, the same whatever the language."""
