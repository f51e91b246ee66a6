"""Migrations of datasets."""
