"""What monitoring keeps in PostgreSQL: one file for each concept."""
