"""Reconciling what the code says with what stands in Grafana: pure, without HTTP, Django or a clock."""
