"""The pages, one file each."""

from typing import Final

from apps.monitoring.core.dashboards.model import Dashboard
from apps.monitoring.core.dashboards.pages.station import STATION

PAGES: Final[tuple[Dashboard, ...]] = (STATION,)
"""Every page, the overview first."""

AWS_PAGES: Final = tuple(page for page in PAGES if any(panel.is_aws for panel in page.panels))
"""The pages that are CloudWatch dashboards, too."""
