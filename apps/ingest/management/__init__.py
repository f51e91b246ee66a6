"""Management commands of ingest."""
