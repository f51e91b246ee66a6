"""The dashboards, one module each."""

from typing import Final

from apps.monitoring.dashboards.definitions.api import API
from apps.monitoring.dashboards.definitions.aws import AWS
from apps.monitoring.dashboards.definitions.database import DATABASE
from apps.monitoring.dashboards.definitions.fleet import FLEET
from apps.monitoring.dashboards.definitions.ingest import INGEST
from apps.monitoring.dashboards.definitions.overview import OVERVIEW
from apps.monitoring.dashboards.definitions.self_monitoring import SELF
from apps.monitoring.dashboards.definitions.service import SERVICE
from apps.monitoring.dashboards.definitions.slo import SLO
from apps.monitoring.dashboards.model import Dashboard

DASHBOARDS: Final[tuple[Dashboard, ...]] = (OVERVIEW, INGEST, API, DATABASE, FLEET, SERVICE, SLO, AWS, SELF)
"""Every dashboard, the overview first."""

CLOUDWATCH_DASHBOARDS: Final = tuple(each for each in DASHBOARDS if any(panel.is_aws for panel in each.panels))
"""Dashboards that are also rendered for CloudWatch."""
