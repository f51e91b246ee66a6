"""Cases for every alert except burn rate alerts: series that fire it and series that do not."""

from tests.unit.monitoring.alerts.promtool import Case

DAY = 86_400
PAGE, TICKET = {"severity": "page"}, {"severity": "ticket"}

UP = 'up{job="anden-web",instance="a:9464"}'
VOLUME = 'namespace="anden",persistentvolumeclaim="data-0"'
CERTIFICATE = 'probe_ssl_earliest_cert_expiry{job="anden-blackbox",instance="https://anden.example"}'
OF_CERTIFICATE = {"instance": "https://anden.example"}
OF_VOLUME = {"namespace": "anden", "persistentvolumeclaim": "data-0"}
FLIGHTS = {"dataset": "flights"}
SHIFT = 'anden_fleet_shift_ratio{signal="latency_p95"}'
FLEET_OPEN = 'anden_open_incidents{kind="fleet"}'


PROCESS_ROLES = ("web", "ingest", "worker", "beat", "lag", "fleet", "postgres-exporter")
"""The processes of an installation by chart with a fleet and without CloudWatch."""
JOBS = {"web": "anden-web", "postgres-exporter": "postgres-exporter"}


def target(role: str, pod: str = "a") -> str:
    """The series `up` of a pod of this role, labelled as by the chart's ServiceMonitors."""
    return f'up{{job="{JOBS.get(role, "anden-metrics")}",role="{role}",pod="{role}-{pod}"}}'


def _installation(**instead: str) -> dict[str, str]:
    """The targets of an installation, all up for an hour; keywords override values, "" removes a target."""
    answers = {role: instead.get(role.replace("-", "_"), "1x60") for role in PROCESS_ROLES}
    return {target(role): values for role, values in answers.items() if values}


def _deployment(role: str, available: str, wanted: str = "1x60") -> dict[str, str]:
    of = f'{{namespace="anden",deployment="anden-{role}"}}'
    return {
        f"kube_deployment_status_replicas_available{of}": available,
        f"kube_deployment_spec_replicas{of}": wanted,
    }


FLAPPING = "1x3 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0"
"""Up for two minutes, down for two."""
VANISHED = "1x9 stale"
CRASHING = "1x2 0 1 0 0 1" + 6 * " 0x3 1"
"""Replicas of a container that crashes after each start, with Kubernetes's back-off in between."""
VANISHED_ROLES = tuple(
    Case(
        "ProcessDown",
        f"the target of {role} vanishes",
        _installation(**{role.replace("-", "_"): VANISHED}),
        "21m",
        ({"role": role, **TICKET},),
    )
    for role in PROCESS_ROLES
    if role not in ("web", "fleet")
)
ABSENCE = (
    Case("WebDown", "its target vanishes", _installation(web=VANISHED), "14m", (PAGE,)),
    Case("WebDown", "it does not respond", _installation(web="1x9 0x50"), "14m", (PAGE,)),
    Case("WebDown", "there is no target", _installation(web=""), "5m", (PAGE,)),
    Case("WebDown", "all targets vanish", dict.fromkeys(_installation(), VANISHED), "14m", (PAGE,)),
    Case("WebDown", "it flaps", _installation(web=FLAPPING), "24m", (PAGE,)),
    Case("WebDown", "one of two pods remains", {**_installation(web=VANISHED), target("web", "b"): "1x60"}, "20m"),
    Case("WebDown", "a release replaces pods", {**_installation(web=VANISHED), target("web", "b"): "_x8 1x60"}, "14m"),
    Case("WebDown", "a restart takes two minutes", _installation(web="1x5 0 0 1x50"), "10m"),
    Case("WebDown", "a restart without a target", _installation(web="1x5 stale _ 1x50"), "10m"),
    Case("WebDown", "two restarts within 15 minutes", _installation(web="1x5 0 1x5 0 1x50"), "14m"),
    Case("WebDown", "pods answer but are not ready", {**_installation(), **_deployment("web", "0x60")}, "5m", (PAGE,)),
    Case("WebDown", "it crashes in a loop", {**_installation(), **_deployment("web", CRASHING)}, "20m", (PAGE,)),
    Case("WebDown", "one is ready", {**_installation(), **_deployment("web", "1x60", "2x60")}, "20m"),
    Case("WebDown", "one target for all metrics", {'up{job="anden"}': "1x60"}, "20m"),
    Case("WebDown", "that target vanishes", {'up{job="anden"}': VANISHED}, "14m", (PAGE,)),
    *VANISHED_ROLES,
    Case("ProcessDown", "it flaps", _installation(lag=FLAPPING), "30m", ({"role": "lag", **TICKET},)),
    Case("ProcessDown", "all are up", _installation(), "50m"),
    Case(
        "ProcessDown", "all targets vanish: AllTargetsDown covers it", dict.fromkeys(_installation(), VANISHED), "40m"
    ),
    Case("ProcessDown", "the fleet is not configured", _installation(fleet=""), "50m"),
    Case("ProcessDown", "the fleet is disabled", _installation(fleet=VANISHED), "50m"),
    Case("ProcessDown", "one target for all metrics", {'up{job="anden"}': "1x60"}, "50m"),
    Case("ProcessDown", "targets without roles", {'up{job="anden-web"}': "1x60"}, "50m"),
    Case("ProcessDown", "a restart takes five minutes", _installation(lag="1x5 stale _x3 1x50"), "12m"),
    Case(
        "ProcessDown",
        "the fleet has no ready pod",
        {**_installation(fleet=""), **_deployment("fleet", "0x60")},
        "15m",
        ({"role": "fleet", **TICKET},),
    ),
    Case(
        "ProcessDown",
        "the CloudWatch collector has no ready pod",
        {**_installation(), **_deployment("cloudwatch", "0x60")},
        "15m",
        ({"role": "cloudwatch", **TICKET},),
    ),
    *(
        Case(
            "ProcessDown",
            f"the container of {role} crashes in a loop while its exporter stays up",
            {**_installation(), **_deployment(role, CRASHING)},
            "28m",
            ({"role": role, **TICKET},),
        )
        for role in ("ingest", "worker", "beat", "lag", "probe", "fleet")
    ),
    Case(
        "ProcessDown",
        "it crashed and recovered",
        {**_installation(), **_deployment("ingest", f"{CRASHING} 1x40")},
        "45m",
    ),
    Case(
        "ProcessDown",
        "a release stops the old pod first",
        {**_installation(), **_deployment("lag", "1x9 0x4 1x40")},
        "20m",
    ),
    Case(
        "ProcessDown",
        "it crashed and was then scaled to zero",
        {**_installation(), **_deployment("fleet", f"{CRASHING} 0x30", "1x25 0x35")},
        "38m",
    ),
    Case(
        "ProcessDown",
        "it was scaled up and took five minutes to start",
        {**_installation(), **_deployment("fleet", "0x25 1x35", "0x20 1x40")},
        "35m",
    ),
    Case(
        "ProcessDown",
        "it is scaled to zero",
        {**_installation(fleet=""), **_deployment("fleet", "0x60", "0x60")},
        "50m",
    ),
    Case("ProcessDown", "a third party's", {**_installation(), **_deployment("of-others", "0x60")}, "50m"),
)


def _volume(available: str) -> dict[str, str]:
    return {
        f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": available,
        f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x130",
    }


INFRASTRUCTURE = (
    Case("AllTargetsDown", "no target exists", {}, "10m", (PAGE,)),
    Case("AllTargetsDown", "every target is down", {UP: "0x20"}, "10m", (PAGE,)),
    Case("AllTargetsDown", "one of two is up", {UP: "0x20", 'up{job="anden-lag"}': "1x20"}, "10m"),
    Case("AllTargetsDown", "a restart takes two minutes", {UP: "1x5 0x1 1x10"}, "8m"),
    Case(
        "ScrapeTargetDown",
        "a target is down",
        {UP: "0x20"},
        "15m",
        ({"job": "anden-web", "instance": "a:9464", **TICKET},),
    ),
    *ABSENCE,
    Case("ScrapeTargetDown", "it is up", {UP: "1x20"}, "15m"),
    Case("ScrapeTargetDown", "a third party's is down", {'up{job="node"}': "0x20"}, "15m"),
    Case("VolumeFillingUp", "it falls steadily", _volume("29-0.02x130"), "100m", ({**OF_VOLUME, **TICKET},)),
    Case("VolumeFillingUp", "it is low but constant", _volume("28x130"), "100m"),
    Case("VolumeFillingUp", "it falls with much left", _volume("90-0.02x130"), "100m"),
    Case("VolumeAlmostFull", "almost nothing is left", _volume("4x20"), "10m", ({**OF_VOLUME, **PAGE},)),
    Case("VolumeAlmostFull", "it falls fast", _volume("14-0.05x30"), "15m", ({**OF_VOLUME, **PAGE},)),
    Case("VolumeAlmostFull", "little is left but constant", _volume("12x20"), "10m"),
    Case(
        "CertificateRenewalOverdue",
        "three weeks",
        {CERTIFICATE: f"{20 * DAY}x100"},
        "90m",
        ({**OF_CERTIFICATE, **TICKET},),
    ),
    Case("CertificateRenewalOverdue", "two months", {CERTIFICATE: f"{60 * DAY}x100"}, "90m"),
    Case("CertificateExpiringSoon", "two days", {CERTIFICATE: f"{2 * DAY}x20"}, "10m", ({**OF_CERTIFICATE, **PAGE},)),
    Case("CertificateExpiringSoon", "three weeks", {CERTIFICATE: f"{20 * DAY}x20"}, "10m"),
    Case("ProbeStale", "it never ran", {}, "10m", (TICKET,)),
    Case("ProbeStale", "it ran long ago", {"anden_api_probe_last_run_timestamp_seconds": "0x30"}, "20m", (TICKET,)),
    Case("ProbeStale", "it runs every minute", {"anden_api_probe_last_run_timestamp_seconds": "0+60x30"}, "20m"),
)

STOPPED = 'anden_ingest_stopped_sources{dataset="flights"}'
LAG_S = 'anden_ingest_lag_seconds{dataset="flights"}'
LAG = 'anden_ingest_lag_records{dataset="flights"}'
HELD_S = 'anden_ingest_held_back_seconds{dataset="flights"}'
MEASURED = "anden_ingest_lag_last_success_timestamp_seconds"
REMOVED = " ".join(["NaN"] * 121)
INGEST = (
    Case("IngestSourceStopped", "one of four", {STOPPED: "1x10"}, "5m", ({**FLIGHTS, **PAGE},)),
    Case("IngestSourceStopped", "none", {STOPPED: "0x10"}, "5m"),
    Case("IngestLagGrowing", "it grows", {LAG_S: "0+30x120", LAG: "0+900x120"}, "2h", ({**FLIGHTS, **TICKET},)),
    Case("IngestLagGrowing", "it catches up", {LAG_S: "3600-20x120", LAG: "90000-500x120"}, "2h"),
    Case("IngestLagGrowing", "the dataset was removed", {LAG_S: REMOVED, LAG: REMOVED}, "2h"),
    Case("IngestHeldBack", "its producer died", {HELD_S: "0+60x40"}, "30m", ({**FLIGHTS, **PAGE},)),
    Case("IngestHeldBack", "it commits every ten minutes", {HELD_S: " ".join(["0+60x9"] * 6)}, "1h"),
    Case("IngestHeldBack", "it ended", {HELD_S: "0+60x18 0x20"}, "25m"),
    Case("IngestHeldBack", "the dataset was removed", {HELD_S: REMOVED}, "2h"),
    Case("IngestLagMissing", "the exporter is down", {}, "10m", (PAGE,)),
    Case("IngestLagMissing", "it reaches neither server", {"anden_ingest_lag_measured_bool": "0x20"}, "10m", (PAGE,)),
    Case(
        "IngestLagMissing",
        "it hangs and its last value stays",
        {"anden_ingest_lag_measured_bool": "1x60", MEASURED: "0+60x20 1200x40"},
        "40m",
        (PAGE,),
    ),
    Case(
        "IngestLagMissing",
        "it measures every five minutes",
        {"anden_ingest_lag_measured_bool": "1x60", MEASURED: " ".join(f"{300 * n}x4" for n in range(12))},
        "50m",
    ),
    Case("IngestLagMissing", "it measures", {"anden_ingest_lag_measured_bool": "1x20"}, "10m"),
    Case(
        "QuarantineGrowing",
        "a producer changed",
        {'anden_ingest_rejects_total{dataset="flights",reason="missing"}': "0+20x120"},
        "2h",
        ({**FLIGHTS, **TICKET},),
    ),
    Case(
        "QuarantineGrowing",
        "a few per minute",
        {'anden_ingest_rejects_total{dataset="flights",reason="missing"}': "0+1x120"},
        "2h",
    ),
    Case(
        "QuarantineGrowing",
        "records that the contract drops are not quarantined",
        {'anden_ingest_rejects_total{dataset="flights",reason="late_dropped"}': "0+200x120"},
        "2h",
    ),
)

LEDGER = "anden_datasets_ledger_partitions_end_timestamp_seconds"
CONTRACT_END = 'anden_datasets_contract_end_timestamp_seconds{dataset="flights"}'
BEAT = "anden_datasets_beat_timestamp_seconds"
OLDEST_WAITING = 'anden_background_jobs_oldest_waiting_timestamp_seconds{kind="api.export"}'
OUT_OF_RESOURCES = 'anden_database_errors_total{alias="ingest",operation="write",sqlstate_class="53"}'
DATABASE = (
    Case("LedgerPartitionsRunningOut", "two days", {LEDGER: f"{2 * DAY}x30"}, "20m", (PAGE,)),
    Case("LedgerPartitionsRunningOut", "a week", {LEDGER: f"{7 * DAY}x30"}, "20m"),
    Case("ContractMonthsRunningOut", "a month", {CONTRACT_END: f"{30 * DAY}x100"}, "90m", ({**FLIGHTS, **TICKET},)),
    Case("ContractMonthsRunningOut", "half a year", {CONTRACT_END: f"{180 * DAY}x100"}, "90m"),
    Case("ContractMonthsRunningOut", "its months ended long ago", {CONTRACT_END: f"-{30 * DAY}x100"}, "90m"),
    Case("BeatHeartbeatMissing", "there was no heartbeat", {}, "10m", (TICKET,)),
    Case("BeatHeartbeatMissing", "it stopped", {BEAT: "0x30"}, "20m", (TICKET,)),
    Case("BeatHeartbeatMissing", "it beats", {BEAT: "0+60x30"}, "20m"),
    Case(
        "JobQueueStalled", "no worker takes it", {OLDEST_WAITING: "0x60"}, "50m", ({"kind": "api.export", **TICKET},)
    ),
    Case("JobQueueStalled", "each job waits a while behind another", {OLDEST_WAITING: "0+60x60"}, "50m"),
    Case("JobQueueStalled", "the queue is empty", {}, "50m"),
    Case(
        "DatabaseOutOfResources",
        "the disk is full",
        {OUT_OF_RESOURCES: "0+2x30"},
        "20m",
        ({"alias": "ingest", **PAGE},),
    ),
    Case("DatabaseOutOfResources", "it was once", {OUT_OF_RESOURCES: "0x10 1x30"}, "20m"),
)

STATE = 'anden_fleet_service_state{service="web-7"}'
WEB = {"service": "web-7"}
EVALUATED = "anden_fleet_last_evaluation_timestamp_seconds"
FLEET = (
    Case("FleetServiceOutlier", "it stays one", {STATE: "1x30"}, "15m", ({**WEB, **PAGE},)),
    Case("FleetServiceOutlier", "it was one for a moment", {STATE: "0x8 1x5 0x10"}, "15m"),
    Case("FleetServiceOutlier", "it shifts with its zone", {STATE: "4x30"}, "15m"),
    Case("FleetServiceOutlier", "it has no data", {STATE: "2x30"}, "15m"),
    Case(
        "FleetWideShift",
        "latency rises by 60 % with an open incident",
        {SHIFT: "1.6x20", FLEET_OPEN: "1x20"},
        "10m",
        ({"signal": "latency_p95", **PAGE},),
    ),
    Case(
        "FleetWideShift",
        "the request rate halves",
        {'anden_fleet_shift_ratio{signal="request_rate"}': "0.5x20", FLEET_OPEN: "1x20"},
        "10m",
        ({"signal": "request_rate", **PAGE},),
    ),
    Case("FleetWideShift", "faster than usual", {SHIFT: "0.5x20", FLEET_OPEN: "1x20"}, "10m"),
    Case("FleetWideShift", "the incident is closed", {SHIFT: "1.6x20", FLEET_OPEN: "0x20"}, "10m"),
    Case("FleetZoneShift", "a zone", {'anden_open_incidents{kind="zone"}': "1x20"}, "10m", (PAGE,)),
    Case("FleetZoneShift", "a service", {'anden_open_incidents{kind="outlier"}': "1x20"}, "10m"),
    Case("FleetServiceNoData", "no data", {STATE: "2x60"}, "40m", ({**WEB, **TICKET},)),
    Case("FleetServiceNoData", "learning", {STATE: "3x60"}, "40m"),
    Case("FleetEvaluationStale", "never evaluated", {}, "10m", (TICKET,)),
    Case("FleetEvaluationStale", "it stopped", {EVALUATED: "0x40"}, "30m", (TICKET,)),
    Case("FleetEvaluationStale", "every minute", {EVALUATED: "0+60x40"}, "30m"),
)

LAST_SYNC = "anden_grafana_last_sync_timestamp_seconds"
DRIFTED = 'anden_grafana_drifted_bool{uid="anden-overview"}'
COLLECTED, COLLECTION_STOPPED = "anden_cloudwatch_collected_timestamp_seconds", "anden_cloudwatch_stopped_bool"
SPENT, BUDGET = "anden_cloudwatch_spent_usd", "anden_cloudwatch_budget_usd"
CALLED, AWAY = 'anden_cloudwatch_calls_total{outcome="ok"}', 'anden_cloudwatch_calls_total{outcome="unavailable"}'
GROUP = "/etc/prometheus/rules/slos.rules.yaml;anden-slos"
ANDEN_FAILURES = f'prometheus_rule_evaluation_failures_total{{rule_group="{GROUP}"}}'
FAILED_NOTIFICATIONS = 'alertmanager_notifications_failed_total{integration="slack",reason="other"}'
SELF_MONITORING = (
    Case(
        "RuleEvaluationsFailing",
        "one of Andén's groups",
        {ANDEN_FAILURES: "0+1x30"},
        "20m",
        ({"rule_group": GROUP, **TICKET},),
    ),
    Case("RuleEvaluationsFailing", "they failed once, long ago", {ANDEN_FAILURES: "3x40"}, "30m"),
    Case(
        "RuleEvaluationsFailing",
        "a third party's",
        {'prometheus_rule_evaluation_failures_total{rule_group="node.yaml;node"}': "0+1x30"},
        "20m",
    ),
    Case(
        "NotificationsFailing",
        "by slack",
        {FAILED_NOTIFICATIONS: "0+1x30"},
        "20m",
        ({"integration": "slack", **TICKET},),
    ),
    Case("NotificationsFailing", "none", {FAILED_NOTIFICATIONS: "0x30"}, "20m"),
    Case("GrafanaDriftDetected", "a manual edit", {DRIFTED: "1x30"}, "20m", ({"uid": "anden-overview", **TICKET},)),
    Case("GrafanaDriftDetected", "the edit was reverted", {DRIFTED: "1x3 0x30"}, "20m"),
    Case("GrafanaSyncStale", "Grafana is not configured", {}, "90m"),
    Case(
        "GrafanaSyncStale",
        "long ago, or 0 for never: both are longer than a week",
        {LAST_SYNC: f"-{8 * DAY}x100"},
        "90m",
        (TICKET,),
    ),
    Case("GrafanaSyncStale", "today, though nothing changed", {LAST_SYNC: "0x100"}, "90m"),
    Case("CloudWatchBudgetLow", "most of it", {SPENT: "21x30", BUDGET: "25x30"}, "20m", (TICKET,)),
    Case("CloudWatchBudgetLow", "half of it", {SPENT: "12x30", BUDGET: "25x30"}, "20m"),
    Case("CloudWatchBudgetExhausted", "collection stopped", {COLLECTION_STOPPED: "1x30"}, "20m", (TICKET,)),
    Case(
        "CloudWatchBudgetExhausted",
        "it continues with little left",
        {COLLECTION_STOPPED: "0x30", SPENT: "24.9x30"},
        "20m",
    ),
    Case("CloudWatchCollectionFailing", "the collector died", {COLLECTED: "0x10 _x150"}, "150m", (TICKET,)),
    Case("CloudWatchCollectionFailing", "it hangs", {COLLECTED: "0x150"}, "150m", (TICKET,)),
    Case("CloudWatchCollectionFailing", "it collects", {COLLECTED: "0+60x150"}, "150m"),
    Case("CloudWatchCollectionFailing", "no call succeeds", {AWAY: "0+1x60", CALLED: "5x60"}, "50m", (TICKET,)),
    Case("CloudWatchCollectionFailing", "some do", {AWAY: "0+1x60", CALLED: "0+1x60"}, "50m"),
    Case("CloudWatchCollectionFailing", "no collector runs", {}, "50m"),
)

CASES_BY_FILE = {
    "infrastructure": INFRASTRUCTURE,
    "ingest": INGEST,
    "database": DATABASE,
    "fleet": FLEET,
    "monitoring": SELF_MONITORING,
}
