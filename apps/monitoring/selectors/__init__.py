"""What monitoring knows, read and never written."""
