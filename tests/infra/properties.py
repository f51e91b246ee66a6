"""The fifteen properties of the infrastructure.

A test that verifies a property has the mark `@pytest.mark.property(number)` and records details with `evidence`.
"""

from typing import Final

PROPERTIES: Final = {
    1: "fmt, init, validate and test of the AWS root pass without network or credentials",
    2: "No policy allows every action or unjustified writes to every resource; nodes have three permissions",
    3: "Service accounts that need AWS match the Pod Identity associations exactly",
    4: "No account id, profile, real domain, floating version or unpinned image or action",
    5: "The cluster's API is private, access only by entries, five logs, secrets encrypted with the customer key",
    6: "The Kubernetes version is supported, according to a dated table",
    7: "No kubernetes_manifest, no provider in a module; the second root reads only declared outputs",
    8: "Each directory in charts/ lints, has a closed schema and becomes exactly one Application",
    9: "Each object has one owner, and CRDs are installed in earlier waves than their users",
    10: "Destroy leaves nothing: Terraform owns load balancer and target group, pods only join",
    11: "No secret in state, plan or Git; each secret that a pod reads exists in Terraform, Secrets Manager and chart",
    12: "PostgreSQL survives a zone and a mistake: Multi-AZ, encrypted, TLS, 14 days, a final snapshot",
    13: "Kafka: only IAM over TLS, three replicas, exact permissions, never more workers than partitions",
    14: "The edge reaches only the internal load balancer and the function, throttled and logged",
    15: "Each alarm has a metric, an action and a runbook; logs expire; dev is cheap; every skip has a reason",
}
"""The properties by number."""

NOT_VERIFIABLE: Final = {
    1: "validate and plan of the cluster root, whose provider cannot be fetched; it is formatted and parsed",
    2: "how AWS evaluates a policy: none of its analysers was used",
    3: "that a pod receives its role, which needs a cluster",
    4: "digests of external images: no registry was queried, docs/pins.md lists exact tags",
    5: "that the cluster's API rejects strangers: only the plan was checked",
    6: "whether AWS has changed its calendar since the table was written",
    7: "a run of the second root, which needs HCP Terraform's agent",
    8: "what the add-ons' templates render to: Argo CD fetches them; only their values are checked",
    9: "the order in which Argo CD syncs: a model expands its ApplicationSets",
    10: "leftovers of running controllers: the emulator has no cluster",
    11: "secrets written by hand",
    12: "an RDS failover and point-in-time recovery",
    13: "a broker with IAM: tests use Apache Kafka without it, and create the client's tokens offline",
    14: "latency, throttling and WAF of the real gateway",
    15: "that email arrives, and what AWS charges: prices are a dated table",
}
"""Per property, what cannot be verified without an account; the summary shows it."""
