"""Chaos: faults at processes, servers, content and settings while records arrive, and an audit of every record."""
