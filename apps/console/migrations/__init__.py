"""Migrations of console."""
