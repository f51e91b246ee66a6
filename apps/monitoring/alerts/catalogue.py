"""Every Prometheus rule, by file."""

from typing import Final

from apps.monitoring.alerts.alert import Alert, RuleGroup
from apps.monitoring.alerts.burn import burn_alerts
from apps.monitoring.alerts.database import DATABASE_ALERTS
from apps.monitoring.alerts.fleet import FLEET_ALERTS
from apps.monitoring.alerts.fleet_recordings import fleet_recordings
from apps.monitoring.alerts.infrastructure import INFRASTRUCTURE_ALERTS
from apps.monitoring.alerts.ingest import INGEST_ALERTS
from apps.monitoring.alerts.processes import process_alerts
from apps.monitoring.alerts.recordings import recording_groups
from apps.monitoring.alerts.self_monitoring import SELF_MONITORING_ALERTS

EVERY: Final = "30s"

RULE_FILES: Final[dict[str, tuple[RuleGroup, ...]]] = {
    "recordings": recording_groups(),
    "fleet-recordings": (fleet_recordings(),),
    "slos": (RuleGroup("anden-slos", EVERY, tuple(burn_alerts())),),
    "infrastructure": (
        RuleGroup("anden-infrastructure", EVERY, INFRASTRUCTURE_ALERTS),
        RuleGroup("anden-processes", EVERY, tuple(process_alerts())),
    ),
    "ingest": (RuleGroup("anden-ingest", EVERY, INGEST_ALERTS),),
    "database": (RuleGroup("anden-database", EVERY, DATABASE_ALERTS),),
    "fleet": (RuleGroup("anden-fleet", EVERY, FLEET_ALERTS),),
    "monitoring": (RuleGroup("anden-monitoring", EVERY, SELF_MONITORING_ALERTS),),
}
"""Rule groups by file name."""

ALERTS: Final[tuple[Alert, ...]] = tuple(
    rule for groups in RULE_FILES.values() for group in groups for rule in group.rules if isinstance(rule, Alert)
)
