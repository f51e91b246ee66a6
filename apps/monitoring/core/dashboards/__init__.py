"""Dashboards as values: pages of rows of panels, made from metric objects; adapters render them."""
