"""Fleet: which of fifty or ten thousand services is sick. Its size does not depend on theirs."""

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
    only,
    peers,
    service_states,
    worst_flagged,
    worst_of_now,
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
SELF: Final = DashboardLink("Andén watches itself", "self")
OVERVIEW: Final = DashboardLink("Overview", "overview")

_COUNTS: Final = PanelRow(
    "Is the fleet well?",
    (
        stats(
            "Services by state",
            "How many services are well, stand out, tell nothing, or are too new to have a past. No data is not well.",
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
            "The whole fleet against its usual",
            "The factor by which the whole fleet stands away from its usual of this time of day. When all move, no "
            "service is flagged for moving along: this is where it shows.",
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
            "Seconds since the fleet was last evaluated. When this is old, everything here is.",
            seconds_since(FLEET_LAST_EVALUATION),
            Unit.SECONDS,
            rising(150, 300),
            links=(SELF,),
        ),
    ),
    height=SHORT,
)

_WORST: Final = PanelRow(
    "Which service is sick?",
    (
        Panel(
            f"The {WORST} worst",
            "The services with the worst score, and the signal that has it. The score is a robust z against the "
            "service's own past and its peers; from about 4 on it is flagged.",
            "table",
            Unit.SCORE,
            (
                PanelQuery(
                    compose(
                        f"topk({WORST}, {{}} == on (service) group_left () {{}})",
                        level(FLEET_SCORE, by=("service", "signal")),
                        level(FLEET_SCORE, by=("service",)),  # not the recorded one, which may be older
                    ),
                    "{{service}}",
                    instant=True,
                ),
                PanelQuery(only(service_states(), worst_of_now(WORST)), "{{service}}", instant=True),
                PanelQuery(only(worst_score(), worst_of_now(WORST)), "{{service}}"),
            ),
            14,
            columns=(
                TableColumn("service", "Service"),
                TableColumn("signal", "Signal"),
                TableColumn("value A", "Score", Unit.SCORE, MUTED_SCORE, width=90, order="down"),
                TableColumn("value B", "State", Unit.STATE, value_mappings=MUTED_STATES, width=90),
                TableColumn("trend", "Course of the score"),
            ),
            decimals=1,
            minimum=None,
            links=(SERVICE,),
            points=POINTS,
        ),
        Panel(
            "How scores spread",
            "How many services have which worst score. A healthy fleet is a dark band at the bottom; dots high above "
            "it are the sick ones; a band that rises is the whole fleet.",
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
            f"Only services that stood out within the time range, the {WORST} with the worst scores: when each was "
            "flagged, and when it gave no data.",
            "timeline",
            Unit.STATE,
            (PanelQuery(only(service_states(), worst_flagged(WORST)), "{{service}}"),),
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
    f"The {SMALL_MULTIPLES} worst, against their peers",
    (
        Panel(
            "$worst",
            "The scores of this service's signals, and between which worst scores eight of ten services lie.",
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
    "Which service of the fleet is sick, since when, and in which signal?",
    (_COUNTS, _WORST, _FLAGGED, _MULTIPLES),
    variables=(
        Variable(
            "worst", "Worst services", compose(f"topk({SMALL_MULTIPLES}, {{}})", worst_score()), "service", True, True
        ),
    ),
    links=(OVERVIEW, SELF),
)
