"""Andén's tests: see the folders for unit, contract, integration, acceptance and infrastructure tests."""
