"""Management commands of console."""
