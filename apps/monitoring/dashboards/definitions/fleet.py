"""Fleet: which of fifty or ten thousand services is unhealthy. Its number of queries does not depend on theirs."""

from typing import Final

from apps.fleet.metrics import FLEET_LAST_EVALUATION, FLEET_SCORE, FLEET_SERVICES, FLEET_SHIFT
from apps.monitoring.dashboards.fleet_queries import (
    MUTED_SCORE,
    MUTED_STATES,
    POINTS,
    SCORE,
    SHIFT,
    SMALL_MULTIPLES,
    WORST,
    counts_by_score,
    for_services,
    peers,
    service_states,
    worst_flagged,
    worst_now,
    worst_score,
)
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    SeriesOverride,
    TableColumn,
    Thresholds,
    Unit,
    Variable,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, seconds_since, stat, stats
from apps.telemetry.promql import LabelMatcher, compose, level

SERVICE: Final = DashboardLink("This service", "service", label="service")
SELF: Final = DashboardLink("Self-monitoring", "self")
OVERVIEW: Final = DashboardLink("Overview", "overview")

_COUNTS: Final = PanelRow(
    "Is the fleet healthy?",
    (
        stats(
            "Services by state",
            "Services that are healthy, outliers, without data, or too new for a baseline. No data is not healthy.",
            Unit.COUNT,
            PanelQuery(level(FLEET_SERVICES, by=("state",)), "{{state}}", instant=True),
            width=10,
            series_overrides=(
                SeriesOverride("ok", Thresholds("ok")),
                SeriesOverride("outlier", zero_expected()),
                SeriesOverride("no_data", Thresholds("ok", ((1, "warning"),))),
                SeriesOverride("learning", Thresholds("neutral")),
            ),
            links=(OVERVIEW,),
        ),
        stats(
            "Fleet shift",
            "The factor by which the entire fleet deviates from its baseline for this time of day. When all services "
            "shift together, none is flagged; the shift shows here.",
            Unit.FACTOR,
            PanelQuery(level(FLEET_SHIFT, by=("signal",)), "{{signal}}", instant=True),
            width=11,
            thresholds=SHIFT,
            decimals=2,
            minimum=None,
            links=(OVERVIEW,),
        ),
        stat(
            "Evaluated",
            "Seconds since the fleet was last evaluated. If this is stale, all panels here are.",
            seconds_since(FLEET_LAST_EVALUATION),
            Unit.SECONDS,
            rising(150, 300),
            links=(SELF,),
        ),
    ),
    height=SHORT,
)

_WORST: Final = PanelRow(
    "Which service is unhealthy?",
    (
        Panel(
            f"{WORST} worst services",
            "The services with the worst scores, and the signal responsible. The score is a robust z-score against "
            "the service's own baseline and its peers; from about 4 it is flagged.",
            "table",
            Unit.SCORE,
            (
                PanelQuery(
                    compose(
                        f"topk({WORST}, {{}} == on (service) group_left () {{}})",
                        level(FLEET_SCORE, by=("service", "signal")),
                        level(FLEET_SCORE, by=("service",)),  # not the recorded series, which may be older
                    ),
                    "{{service}}",
                    instant=True,
                ),
                PanelQuery(for_services(service_states(), worst_now(WORST)), "{{service}}", instant=True),
                PanelQuery(for_services(worst_score(), worst_now(WORST)), "{{service}}"),
            ),
            14,
            columns=(
                TableColumn("service", "Service"),
                TableColumn("signal", "Signal"),
                TableColumn("value A", "Score", Unit.SCORE, MUTED_SCORE, width=90, order="down"),
                TableColumn("value B", "State", Unit.STATE, value_mappings=MUTED_STATES, width=90),
                TableColumn("trend", "Score over time"),
            ),
            decimals=1,
            minimum=None,
            links=(SERVICE,),
            points=POINTS,
        ),
        Panel(
            "Score distribution",
            "Number of services by worst score. A healthy fleet is a dark band at the bottom; dots far above it are "
            "unhealthy services; a rising band is a shift of the fleet.",
            "heatmap",
            Unit.SCORE,
            (PanelQuery(counts_by_score(), "{{le}}"),),
            10,
        ),
    ),
    height=12,
)

_FLAGGED: Final = PanelRow(
    "Since when?",
    (
        Panel(
            "Flagged services",
            f"Services that were outliers within the time range, at most the {WORST} worst: when each was flagged, "
            "and when it had no data.",
            "timeline",
            Unit.STATE,
            (PanelQuery(for_services(service_states(), worst_flagged(WORST)), "{{service}}"),),
            24,
            Thresholds("neutral", ((1, "critical"), (2, "unknown"), (3, "neutral"))),
            value_mappings=MUTED_STATES,
            links=(SERVICE,),
            points=2 * POINTS,
        ),
    ),
    height=TALL,
)

_MULTIPLES: Final = PanelRow(
    f"The {SMALL_MULTIPLES} worst services compared with their peers",
    (
        Panel(
            "$worst",
            "The scores of this service's signals, with the middle 80 % of all services' worst scores.",
            "timeseries",
            Unit.SCORE,
            (
                PanelQuery(level(FLEET_SCORE, LabelMatcher("service", "$worst"), by=("signal",)), "{{signal}}"),
                peers(),
            ),
            24,
            SCORE,
            series_overrides=(SeriesOverride("peers .*"),),
            repeat="worst",
            minimum=None,
            links=(DashboardLink("Service", "service"),),
        ),
    ),
    height=TALL,
)

FLEET: Final = Dashboard(
    "fleet",
    "Andén · Fleet",
    "Which service is unhealthy, since when, and in which signal?",
    (_COUNTS, _WORST, _FLAGGED, _MULTIPLES),
    variables=(
        Variable(
            "worst", "Worst services", compose(f"topk({SMALL_MULTIPLES}, {{}})", worst_score()), "service", True, True
        ),
    ),
    links=(OVERVIEW, SELF),
)
