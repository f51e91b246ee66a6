"""Management commands of api."""
