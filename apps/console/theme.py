"""The admin's theme and menu: settings of django-unfold."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

PermissionCheck = Callable[[HttpRequest], bool]


def permission_check(permission: str) -> PermissionCheck:
    """A function that checks whether a request's user has this permission."""

    def permitted(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return permitted


def menu_item(title: str, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    """A menu item, shown to users with the permission."""
    return {"title": title, "icon": icon, "link": reverse_lazy(url_name), "permission": permission_check(permission)}


# Tailwind's teal, in the notation of unfold's palette.
PRIMARY: Final = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(60% .118 184.704)",
    "700": "oklch(51.1% .096 186.391)",
    "800": "oklch(43.7% .078 188.216)",
    "900": "oklch(38.6% .063 188.416)",
    "950": "oklch(27.7% .046 192.524)",
}

NAVIGATION: Final = [
    {
        "title": "Data",
        "items": [
            menu_item("Overview", "monitoring", "admin:index", "datasets.view_dataset"),
            menu_item("Datasets", "database", "admin:datasets_dataset_changelist", "datasets.view_dataset"),
            menu_item("Quarantine", "report", "admin:ingest_quarantine_changelist", "ingest.view_quarantine"),
            menu_item("Positions", "pin_drop", "admin:ingest_source_changelist", "ingest.view_source"),
            menu_item("Jobs", "task", "admin:jobs_job_changelist", "jobs.view_job"),
        ],
    },
    {
        "title": "Monitoring",
        "separator": True,
        "items": [
            menu_item("Fleet", "hub", "fleet", "fleet.view_fleetservice"),
            menu_item("Incidents", "emergency", "admin:fleet_incident_changelist", "fleet.view_incident"),
        ],
    },
    {
        "title": "API access",
        "separator": True,
        "items": [
            menu_item("Clients", "group", "admin:api_client_changelist", "api.view_client"),
            menu_item("Keys", "key", "admin:api_key_changelist", "api.view_key"),
            menu_item("Grants", "verified_user", "admin:api_grant_changelist", "api.view_grant"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            menu_item("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
            menu_item("Groups", "badge", "admin:auth_group_changelist", "auth.view_group"),
        ],
    },
]

UNFOLD: Final = {
    "SITE_TITLE": "Andén",
    "SITE_HEADER": "Andén",
    "SITE_SUBHEADER": "Kafka to PostgreSQL to HTTP",
    "SITE_SYMBOL": "train",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("console/favicon.svg")}
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": PRIMARY},
    "DASHBOARD_CALLBACK": "apps.console.views.start_page",
    "STYLES": [lambda _request: static("console/console.css")],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
