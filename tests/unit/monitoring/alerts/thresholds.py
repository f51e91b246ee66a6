"""Cases for every alert that is no burn: what makes it fire, and what it must not be woken by."""

from tests.unit.monitoring.alerts.promtool import Case

DAY = 86_400
PAGE, TICKET = {"severity": "page"}, {"severity": "ticket"}

UP = 'up{job="anden-web",instance="a:9464"}'
VOLUME = 'namespace="anden",persistentvolumeclaim="data-0"'
CERTIFICATE = 'probe_ssl_earliest_cert_expiry{job="anden-blackbox",instance="https://anden.example"}'
OF_CERTIFICATE = {"instance": "https://anden.example"}
OF_VOLUME = {"namespace": "anden", "persistentvolumeclaim": "data-0"}
FLIGHTS = {"dataset": "flights"}
SHIFT = 'anden_fleet_shift_factor{signal="latency_p95"}'
FLEET_OPEN = 'anden_incidents_open_incidents{kind="fleet"}'


ROLES = ("web", "ingest", "worker", "beat", "lag", "fleet", "postgres-exporter")
"""What runs in a station of the chart that looks at a fleet and not at CloudWatch."""
JOBS = {"web": "anden-web", "postgres-exporter": "postgres-exporter"}


def target(role: str, pod: str = "a") -> str:
    """The series that says whether a pod of this role answers, as the chart's ServiceMonitors name it."""
    return f'up{{job="{JOBS.get(role, "anden-metrics")}",role="{role}",pod="{role}-{pod}"}}'


def _station(**instead: str) -> dict[str, str]:
    """The targets of a whole station, all up for an hour; keywords say what is other, "" that it is not there."""
    answers = {role: instead.get(role.replace("-", "_"), "1x60") for role in ROLES}
    return {target(role): values for role, values in answers.items() if values}


def _deployment(role: str, available: str, wanted: str = "1x60") -> dict[str, str]:
    of = f'{{namespace="anden",deployment="anden-{role}"}}'
    return {
        f"kube_deployment_status_replicas_available{of}": available,
        f"kube_deployment_spec_replicas{of}": wanted,
    }


FLAPPING = "1x3 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 0 0"
"""Up for two minutes, and away for two."""
VANISHED = "1x9 stale"
CRASHING = "1x2 0 1 0 0 1" + 6 * " 0x3 1"
"""Replicas of a container that ends soon after each start: the longer pauses between are Kubernetes's."""
GONE_ROLES = tuple(
    Case(
        "ProcessGone",
        f"the target of {role} vanishes",
        _station(**{role.replace("-", "_"): VANISHED}),
        "21m",
        ({"role": role, **TICKET},),
    )
    for role in ROLES
    if role not in ("web", "fleet")
)
ABSENCE = (
    Case("WebGone", "its target vanishes", _station(web=VANISHED), "14m", (PAGE,)),
    Case("WebGone", "it does not answer", _station(web="1x9 0x50"), "14m", (PAGE,)),
    Case("WebGone", "there never was one", _station(web=""), "5m", (PAGE,)),
    Case("WebGone", "everything is gone", dict.fromkeys(_station(), VANISHED), "14m", (PAGE,)),
    Case("WebGone", "it comes and goes", _station(web=FLAPPING), "24m", (PAGE,)),
    Case("WebGone", "one of two pods is left", {**_station(web=VANISHED), target("web", "b"): "1x60"}, "20m"),
    Case("WebGone", "a release replaces pods", {**_station(web=VANISHED), target("web", "b"): "_x8 1x60"}, "14m"),
    Case("WebGone", "a restart takes two minutes", _station(web="1x5 0 0 1x50"), "10m"),
    Case("WebGone", "a restart without a target", _station(web="1x5 stale _ 1x50"), "10m"),
    Case("WebGone", "two restarts in a quarter of an hour", _station(web="1x5 0 1x5 0 1x50"), "14m"),
    Case("WebGone", "pods answer, and none is ready", {**_station(), **_deployment("web", "0x60")}, "5m", (PAGE,)),
    Case("WebGone", "it crashes again and again", {**_station(), **_deployment("web", CRASHING)}, "20m", (PAGE,)),
    Case("WebGone", "one is ready", {**_station(), **_deployment("web", "1x60", "2x60")}, "20m"),
    Case("WebGone", "one process tells everything", {'up{job="anden"}': "1x60"}, "20m"),
    Case("WebGone", "that one process is gone", {'up{job="anden"}': VANISHED}, "14m", (PAGE,)),
    *GONE_ROLES,
    Case("ProcessGone", "it comes and goes", _station(lag=FLAPPING), "30m", ({"role": "lag", **TICKET},)),
    Case("ProcessGone", "all are there", _station(), "50m"),
    Case("ProcessGone", "everything is gone: NothingScraped says so", dict.fromkeys(_station(), VANISHED), "40m"),
    Case("ProcessGone", "no fleet is looked at", _station(fleet=""), "50m"),
    Case("ProcessGone", "the fleet was switched off", _station(fleet=VANISHED), "50m"),
    Case("ProcessGone", "one process tells everything", {'up{job="anden"}': "1x60"}, "50m"),
    Case("ProcessGone", "targets of hands that know no roles", {'up{job="anden-web"}': "1x60"}, "50m"),
    Case("ProcessGone", "a restart takes five minutes", _station(lag="1x5 stale _x3 1x50"), "12m"),
    Case(
        "ProcessGone",
        "Kubernetes has no pod of the fleet that is ready",
        {**_station(fleet=""), **_deployment("fleet", "0x60")},
        "15m",
        ({"role": "fleet", **TICKET},),
    ),
    Case(
        "ProcessGone",
        "nor of CloudWatch's collector",
        {**_station(), **_deployment("cloudwatch", "0x60")},
        "15m",
        ({"role": "cloudwatch", **TICKET},),
    ),
    *(
        Case(
            "ProcessGone",
            f"the container of {role} crashes again and again, and what tells its metrics stays",
            {**_station(), **_deployment(role, CRASHING)},
            "28m",
            ({"role": role, **TICKET},),
        )
        for role in ("ingest", "worker", "beat", "lag", "probe", "fleet")
    ),
    Case(
        "ProcessGone",
        "it crashed, and runs again",
        {**_station(), **_deployment("ingest", f"{CRASHING} 1x40")},
        "45m",
    ),
    Case(
        "ProcessGone", "a release ends the old one first", {**_station(), **_deployment("lag", "1x9 0x4 1x40")}, "20m"
    ),
    Case(
        "ProcessGone",
        "it crashed until none was wanted",
        {**_station(), **_deployment("fleet", f"{CRASHING} 0x30", "1x25 0x35")},
        "38m",
    ),
    Case(
        "ProcessGone",
        "it was wanted again, and took five minutes to come",
        {**_station(), **_deployment("fleet", "0x25 1x35", "0x20 1x40")},
        "35m",
    ),
    Case("ProcessGone", "none is wanted", {**_station(fleet=""), **_deployment("fleet", "0x60", "0x60")}, "50m"),
    Case("ProcessGone", "somebody else's", {**_station(), **_deployment("of-others", "0x60")}, "50m"),
)


def _volume(available: str) -> dict[str, str]:
    return {
        f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": available,
        f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x130",
    }


STATION = (
    Case("NothingScraped", "no target exists at all", {}, "10m", (PAGE,)),
    Case("NothingScraped", "every target is down", {UP: "0x20"}, "10m", (PAGE,)),
    Case("NothingScraped", "one of two is up", {UP: "0x20", 'up{job="anden-lag"}': "1x20"}, "10m"),
    Case("NothingScraped", "a restart takes two minutes", {UP: "1x5 0x1 1x10"}, "8m"),
    Case(
        "ScrapeFailing",
        "a target is down",
        {UP: "0x20"},
        "15m",
        ({"job": "anden-web", "instance": "a:9464", **TICKET},),
    ),
    *ABSENCE,
    Case("ScrapeFailing", "it is up", {UP: "1x20"}, "15m"),
    Case("ScrapeFailing", "somebody else's is down", {'up{job="node"}': "0x20"}, "15m"),
    Case("VolumeFilling", "it falls steadily", _volume("29-0.02x130"), "100m", ({**OF_VOLUME, **TICKET},)),
    Case("VolumeFilling", "it is low and stands still", _volume("28x130"), "100m"),
    Case("VolumeFilling", "it falls, with much left", _volume("90-0.02x130"), "100m"),
    Case("VolumeFull", "next to nothing is left", _volume("4x20"), "10m", ({**OF_VOLUME, **PAGE},)),
    Case("VolumeFull", "it falls fast", _volume("14-0.05x30"), "15m", ({**OF_VOLUME, **PAGE},)),
    Case("VolumeFull", "little is left and nothing is added", _volume("12x20"), "10m"),
    Case("CertificateAging", "three weeks", {CERTIFICATE: f"{20 * DAY}x100"}, "90m", ({**OF_CERTIFICATE, **TICKET},)),
    Case("CertificateAging", "two months", {CERTIFICATE: f"{60 * DAY}x100"}, "90m"),
    Case("CertificateEnding", "two days", {CERTIFICATE: f"{2 * DAY}x20"}, "10m", ({**OF_CERTIFICATE, **PAGE},)),
    Case("CertificateEnding", "three weeks", {CERTIFICATE: f"{20 * DAY}x20"}, "10m"),
    Case("ProbeSilent", "it never ran", {}, "10m", (TICKET,)),
    Case("ProbeSilent", "it ran long ago", {"anden_api_probed_timestamp_seconds": "0x30"}, "20m", (TICKET,)),
    Case("ProbeSilent", "it runs every minute", {"anden_api_probed_timestamp_seconds": "0+60x30"}, "20m"),
)

STOPPED = 'anden_ingest_stopped_sources{dataset="flights"}'
LAG_S = 'anden_ingest_lag_seconds{dataset="flights"}'
LAG = 'anden_ingest_lag_records{dataset="flights"}'
MEASURED = "anden_ingest_lag_measured_timestamp_seconds"
GONE = " ".join(["NaN"] * 121)
INGEST = (
    Case("IngestSourceStopped", "one of four", {STOPPED: "1x10"}, "5m", ({**FLIGHTS, **PAGE},)),
    Case("IngestSourceStopped", "none", {STOPPED: "0x10"}, "5m"),
    Case("IngestLagGrowing", "ever more", {LAG_S: "0+30x120", LAG: "0+900x120"}, "2h", ({**FLIGHTS, **TICKET},)),
    Case("IngestLagGrowing", "it catches up", {LAG_S: "3600-20x120", LAG: "90000-500x120"}, "2h"),
    Case("IngestLagGrowing", "a dataset that is gone", {LAG_S: GONE, LAG: GONE}, "2h"),
    Case("IngestLagUnmeasured", "the exporter is down", {}, "10m", (PAGE,)),
    Case("IngestLagUnmeasured", "it reaches nothing", {"anden_ingest_lag_measured_bool": "0x20"}, "10m", (PAGE,)),
    Case(
        "IngestLagUnmeasured",
        "it stands still, and its last word stays",
        {"anden_ingest_lag_measured_bool": "1x60", MEASURED: "0+60x20 1200x40"},
        "40m",
        (PAGE,),
    ),
    Case(
        "IngestLagUnmeasured",
        "it measures every five minutes",
        {"anden_ingest_lag_measured_bool": "1x60", MEASURED: " ".join(f"{300 * n}x4" for n in range(12))},
        "50m",
    ),
    Case("IngestLagUnmeasured", "it measures", {"anden_ingest_lag_measured_bool": "1x20"}, "10m"),
    Case(
        "QuarantineGrowing",
        "a sender has changed",
        {'anden_ingest_rejects_total{dataset="flights",reason="missing"}': "0+20x120"},
        "2h",
        ({**FLIGHTS, **TICKET},),
    ),
    Case(
        "QuarantineGrowing",
        "a few a minute",
        {'anden_ingest_rejects_total{dataset="flights",reason="missing"}': "0+1x120"},
        "2h",
    ),
    Case(
        "QuarantineGrowing",
        "what a contract lets go is kept nowhere",
        {'anden_ingest_rejects_total{dataset="flights",reason="late_dropped"}': "0+200x120"},
        "2h",
    ),
)

LEDGER = "anden_datasets_ledger_until_timestamp_seconds"
LATEST = 'anden_datasets_latest_timestamp_seconds{dataset="flights"}'
BEAT = "anden_datasets_beat_timestamp_seconds"
WAITS = 'anden_background_jobs_waiting_timestamp_seconds{kind="api.export"}'
ROOM = 'anden_database_errors_total{alias="ingest",operation="write",sqlstate_class="53"}'
DATABASE = (
    Case("LedgerDaysEnding", "two days", {LEDGER: f"{2 * DAY}x30"}, "20m", (PAGE,)),
    Case("LedgerDaysEnding", "a week", {LEDGER: f"{7 * DAY}x30"}, "20m"),
    Case("ContractMonthsEnding", "a month", {LATEST: f"{30 * DAY}x100"}, "90m", ({**FLIGHTS, **TICKET},)),
    Case("ContractMonthsEnding", "half a year", {LATEST: f"{180 * DAY}x100"}, "90m"),
    Case("ContractMonthsEnding", "it holds a past that ended long ago", {LATEST: f"-{30 * DAY}x100"}, "90m"),
    Case("BeatSilent", "it never beat", {}, "10m", (TICKET,)),
    Case("BeatSilent", "it stopped", {BEAT: "0x30"}, "20m", (TICKET,)),
    Case("BeatSilent", "it beats", {BEAT: "0+60x30"}, "20m"),
    Case("JobsWaiting", "nobody takes it", {WAITS: "0x60"}, "50m", ({"kind": "api.export", **TICKET},)),
    Case("JobsWaiting", "each job waits a while behind another", {WAITS: "0+60x60"}, "50m"),
    Case("JobsWaiting", "none waits", {}, "50m"),
    Case("DatabaseOutOfResources", "the disk is full", {ROOM: "0+2x30"}, "20m", ({"alias": "ingest", **PAGE},)),
    Case("DatabaseOutOfResources", "it was, once", {ROOM: "0x10 1x30"}, "20m"),
)

STATE = 'anden_fleet_service_state{service="web-7"}'
WEB = {"service": "web-7"}
EVALUATED = "anden_fleet_evaluated_timestamp_seconds"
FLEET = (
    Case("FleetServiceOutlier", "it stays one", {STATE: "1x30"}, "15m", ({**WEB, **PAGE},)),
    Case("FleetServiceOutlier", "it was one for a moment", {STATE: "0x8 1x5 0x10"}, "15m"),
    Case("FleetServiceOutlier", "it moves with its zone", {STATE: "4x30"}, "15m"),
    Case("FleetServiceOutlier", "it has no data", {STATE: "2x30"}, "15m"),
    Case(
        "FleetShifted",
        "half as slow again, and the engine has seen it",
        {SHIFT: "1.6x20", FLEET_OPEN: "1x20"},
        "10m",
        ({"signal": "latency_p95", **PAGE},),
    ),
    Case(
        "FleetShifted",
        "half of the requests are gone",
        {'anden_fleet_shift_factor{signal="request_rate"}': "0.5x20", FLEET_OPEN: "1x20"},
        "10m",
        ({"signal": "request_rate", **PAGE},),
    ),
    Case("FleetShifted", "faster than usual", {SHIFT: "0.5x20", FLEET_OPEN: "1x20"}, "10m"),
    Case("FleetShifted", "the incident is closed", {SHIFT: "1.6x20", FLEET_OPEN: "0x20"}, "10m"),
    Case("FleetZoneMoved", "a zone", {'anden_incidents_open_incidents{kind="zone"}': "1x20"}, "10m", (PAGE,)),
    Case("FleetZoneMoved", "a service", {'anden_incidents_open_incidents{kind="outlier"}': "1x20"}, "10m"),
    Case("FleetServiceSilent", "no data", {STATE: "2x60"}, "40m", ({**WEB, **TICKET},)),
    Case("FleetServiceSilent", "learning", {STATE: "3x60"}, "40m"),
    Case("FleetEvaluationStale", "never evaluated", {}, "10m", (TICKET,)),
    Case("FleetEvaluationStale", "it stands still", {EVALUATED: "0x40"}, "30m", (TICKET,)),
    Case("FleetEvaluationStale", "every minute", {EVALUATED: "0+60x40"}, "30m"),
)

SYNCED = "anden_dashboards_synced_timestamp_seconds"
DRIFTED = 'anden_dashboards_drifted_info{uid="anden-station"}'
COLLECTED, STANDS = "anden_cloudwatch_collected_timestamp_seconds", "anden_cloudwatch_stopped_bool"
SPENT, BUDGET = "anden_cloudwatch_spent_usd", "anden_cloudwatch_budget_usd"
CALLED, AWAY = 'anden_cloudwatch_calls_total{outcome="ok"}', 'anden_cloudwatch_calls_total{outcome="away"}'
GROUP = "/etc/prometheus/rules/slos.rules.yaml;anden-slos"
OUR_FAILURES = f'prometheus_rule_evaluation_failures_total{{rule_group="{GROUP}"}}'
UNDELIVERED = 'alertmanager_notifications_failed_total{integration="slack",reason="other"}'
ITSELF = (
    Case("RulesFailing", "one of ours", {OUR_FAILURES: "0+1x30"}, "20m", ({"rule_group": GROUP, **TICKET},)),
    Case("RulesFailing", "they failed once, long ago", {OUR_FAILURES: "3x40"}, "30m"),
    Case(
        "RulesFailing",
        "somebody else's",
        {'prometheus_rule_evaluation_failures_total{rule_group="node.yaml;node"}': "0+1x30"},
        "20m",
    ),
    Case("NotificationsFailing", "by slack", {UNDELIVERED: "0+1x30"}, "20m", ({"integration": "slack", **TICKET},)),
    Case("NotificationsFailing", "none", {UNDELIVERED: "0x30"}, "20m"),
    Case("GrafanaDrifted", "a hand edit", {DRIFTED: "1x30"}, "20m", ({"uid": "anden-station", **TICKET},)),
    Case("GrafanaDrifted", "undone", {DRIFTED: "1x3 0x30"}, "20m"),
    Case("DashboardsUnsynchronised", "no Grafana is set", {}, "90m"),
    Case(
        "DashboardsUnsynchronised",
        "long ago, or 0 for never: both are longer than a week",
        {SYNCED: f"-{8 * DAY}x100"},
        "90m",
        (TICKET,),
    ),
    Case("DashboardsUnsynchronised", "today, though nothing changed", {SYNCED: "0x100"}, "90m"),
    Case("CloudWatchBudgetLow", "most of it", {SPENT: "21x30", BUDGET: "25x30"}, "20m", (TICKET,)),
    Case("CloudWatchBudgetLow", "half of it", {SPENT: "12x30", BUDGET: "25x30"}, "20m"),
    Case("CloudWatchBudgetSpent", "it stands still", {STANDS: "1x30"}, "20m", (TICKET,)),
    Case("CloudWatchBudgetSpent", "it goes on, though little is left", {STANDS: "0x30", SPENT: "24.9x30"}, "20m"),
    Case("CloudWatchBlind", "the collector died", {COLLECTED: "0x10 _x150"}, "150m", (TICKET,)),
    Case("CloudWatchBlind", "it hangs", {COLLECTED: "0x150"}, "150m", (TICKET,)),
    Case("CloudWatchBlind", "it collects", {COLLECTED: "0+60x150"}, "150m"),
    Case("CloudWatchBlind", "no call succeeds", {AWAY: "0+1x60", CALLED: "5x60"}, "50m", (TICKET,)),
    Case("CloudWatchBlind", "some do", {AWAY: "0+1x60", CALLED: "0+1x60"}, "50m"),
    Case("CloudWatchBlind", "nothing is collected here", {}, "50m"),
)

CASES_BY_FILE = {
    "station": STATION,
    "ingest": INGEST,
    "database": DATABASE,
    "fleet": FLEET,
    "monitoring": ITSELF,
}
