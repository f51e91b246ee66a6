"""A fake Grafana for tests: stateful, over real HTTP on loopback, and as strict as the real one.

It models Grafana 11 and 12, and passes the same contract tests as a real Grafana.
"""
