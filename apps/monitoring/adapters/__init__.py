"""Prometheus, Grafana, CloudWatch and files, each with the fake that ships beside it."""
