"""Kafka and PostgreSQL behind the ports of ingest, and the fakes that stand in for them."""
