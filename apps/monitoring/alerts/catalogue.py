"""Every rule of Prometheus, by file."""

from typing import Final

from apps.monitoring.alerts.alert import Alert, Group
from apps.monitoring.alerts.burn import burn_alerts
from apps.monitoring.alerts.database import DATABASE_ALERTS
from apps.monitoring.alerts.fleet import FLEET_ALERTS
from apps.monitoring.alerts.fleet_recordings import fleet_recordings
from apps.monitoring.alerts.ingest import INGEST_ALERTS
from apps.monitoring.alerts.itself import ITSELF_ALERTS
from apps.monitoring.alerts.recordings import recording_groups
from apps.monitoring.alerts.roles import role_alerts
from apps.monitoring.alerts.station import STATION_ALERTS

EVERY: Final = "30s"

RULE_FILES: Final[dict[str, tuple[Group, ...]]] = {
    "recordings": recording_groups(),
    "pages": (fleet_recordings(),),
    "slos": (Group("anden-slos", EVERY, tuple(burn_alerts())),),
    "station": (Group("anden-station", EVERY, STATION_ALERTS), Group("anden-roles", EVERY, tuple(role_alerts()))),
    "ingest": (Group("anden-ingest", EVERY, INGEST_ALERTS),),
    "database": (Group("anden-database", EVERY, DATABASE_ALERTS),),
    "fleet": (Group("anden-fleet", EVERY, FLEET_ALERTS),),
    "monitoring": (Group("anden-monitoring", EVERY, ITSELF_ALERTS),),
}
"""Groups by the name of their file."""

ALERTS: Final[tuple[Alert, ...]] = tuple(
    rule for groups in RULE_FILES.values() for group in groups for rule in group.rules if isinstance(rule, Alert)
)
