"""The web server: gunicorn with a deadline on every wait for a client."""
