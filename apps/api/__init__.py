"""The HTTP API for third parties: records, clients, keys, grants."""
