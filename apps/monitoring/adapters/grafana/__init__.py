"""Grafana over HTTP, and the fake one that tests speak to."""
