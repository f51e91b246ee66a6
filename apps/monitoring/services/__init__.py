"""What monitoring does."""
