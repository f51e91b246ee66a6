"""The pages, one file each."""

from typing import Final

from apps.monitoring.dashboards.model import Dashboard
from apps.monitoring.dashboards.pages.api import API
from apps.monitoring.dashboards.pages.aws import AWS
from apps.monitoring.dashboards.pages.database import DATABASE
from apps.monitoring.dashboards.pages.fleet import FLEET
from apps.monitoring.dashboards.pages.ingest import INGEST
from apps.monitoring.dashboards.pages.itself import SELF
from apps.monitoring.dashboards.pages.service import SERVICE
from apps.monitoring.dashboards.pages.slo import SLO
from apps.monitoring.dashboards.pages.station import STATION

PAGES: Final[tuple[Dashboard, ...]] = (STATION, INGEST, API, DATABASE, FLEET, SERVICE, SLO, AWS, SELF)
"""Every page, the overview first."""

AWS_PAGES: Final = tuple(page for page in PAGES if any(panel.is_aws for panel in page.panels))
"""The pages that are CloudWatch dashboards, too."""
