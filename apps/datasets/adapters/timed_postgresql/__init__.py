"""Django's PostgreSQL backend with cursors that say how long the database took, by operation."""
