"""Realistic service names."""

from typing import Final

_WHAT: Final = (
    "checkout", "search", "basket", "payments", "invoices", "login", "profile", "catalogue", "prices", "stock",
    "orders", "shipping", "returns", "reviews", "tickets", "timetable", "platforms", "seats", "fares", "refunds",
    "mail", "alerts", "geocoder", "weather", "maps", "ratings", "coupons", "partners", "exports", "audit",
    "sessions", "media", "staff", "rosters", "delays", "boarding", "luggage", "lounge", "loyalty", "feedback",
    "quotes", "contracts", "ledger", "tax", "fraud", "identity", "keys", "consent", "archive", "reports",
)  # fmt: skip
_WHERE: Final = (
    "api", "worker", "web", "edge", "batch", "sync", "feed", "gate", "index", "cache",
    "north", "south", "east", "west", "core", "mobile", "partner", "admin", "beta", "legacy",
)  # fmt: skip


def service_names(count: int) -> tuple[str, ...]:
    """`count` distinct names; the first fifty are single words."""
    names = []
    for number in range(count):
        lap, what = divmod(number, len(_WHAT))
        round_, where = divmod(max(lap - 1, 0), len(_WHERE))
        suffix = f"-{_WHERE[where]}" if lap else ""
        names.append(f"{_WHAT[what]}{suffix}{f'-{round_ + 1}' if round_ else ''}")
    return tuple(names)
