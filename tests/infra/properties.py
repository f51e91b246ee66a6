"""What the station promises of its infrastructure, fifteen properties, and how a test says which one it shows.

A test that shows a property carries `@pytest.mark.property(number)` and tells what it saw by the fixture `evidence`.
"""

from typing import Final

PROPERTIES: Final = {
    1: "fmt, init, validate and test of the root on AWS pass with no network and no credentials",
    2: "No policy allows every action, none writes to every resource without a reason; nodes have three rights",
    3: "Service accounts that need AWS and Pod Identity associations are the same, both ways",
    4: "No account, profile, real domain, floating version or unpinned image or action",
    5: "The cluster's API is private, entries alone give access, five logs, secrets under our key",
    6: "The Kubernetes version is supported, by a dated table",
    7: "No kubernetes_manifest, no provider in a module; the second root reads declared outputs alone",
    8: "Each directory in charts/ lints, has a closed schema and becomes exactly one Application",
    9: "Each object has one owner, and definitions come in earlier waves than what uses them",
    10: "Nothing is left at destroy: balancer and target group are Terraform's, pods only join",
    11: "No secret in state, plan or Git; each secret that a pod reads exists at each of its three stations",
    12: "PostgreSQL survives a zone and a mistake: Multi-AZ, encrypted, TLS, 14 days, a final snapshot",
    13: "Kafka: TLS and IAM alone, three copies, exact rights, never more workers than partitions",
    14: "The edge reaches the internal balancer and the function alone, throttled, logged, by the same tests",
    15: "Each alarm has a metric, an action and a runbook; logs end; dev is cheap; no unexplained skip",
}
"""The properties by number, as the research that this project began with counts them."""

NOT_VERIFIABLE: Final = {
    1: "validate and plan of the root in the cluster: its provider is not at hand; it is formatted, parsed and read",
    2: "what AWS itself makes of a policy: none of its analysers was asked",
    3: "that a pod receives its role: a cluster hands it out",
    4: "digests of images from elsewhere: no registry of images was asked, docs/pins.md lists the exact tags",
    5: "that the cluster's API refuses a stranger: EKS was asked in a plan, not on the network",
    6: "whether AWS has changed its calendar since the table was written",
    7: "a run of the second root: HCP Terraform's agent makes it",
    8: "what the add-ons' own templates render to: Argo CD fetches them, here their values are held against ours",
    9: "the order in which a running Argo CD synchronises: a model expands its ApplicationSets",
    10: "leftovers of a controller that runs: the emulator has no cluster",
    11: "what a person writes into a secret by hand",
    12: "a failover of RDS, and its own restore to a moment",
    13: "a broker with IAM: tests speak to Apache Kafka without it, and the client's tokens are made offline",
    14: "latency, throttling and WAF of the real gateway",
    15: "that mail arrives, and what AWS charges: prices are a dated table",
}
"""What stays unproven without an account, for each property: shown beside what was shown."""
