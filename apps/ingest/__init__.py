"""Kafka to PostgreSQL: workers, positions, quarantine."""
