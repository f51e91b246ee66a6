"""Metrics of the platform, and later dashboards, rules, outliers, SLOs."""
