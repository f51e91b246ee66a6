"""What stands behind the API's addresses."""
