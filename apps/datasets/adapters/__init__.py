"""How datasets touch PostgreSQL and Prometheus."""
