"""A Grafana to test against: stateful, over real HTTP on loopback, and as awkward as the real one.

It is a reading of Grafana 11 and 12, held against the same cases as a real one wherever one is at hand.
"""
