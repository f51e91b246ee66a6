"""What ingest does: workers, topics, lag."""
