"""The stewards' start page and journeys across the apps."""
