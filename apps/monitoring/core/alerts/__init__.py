"""Alerts as values: tables by domain; adapters render them for Prometheus, Alertmanager and Grafana."""
