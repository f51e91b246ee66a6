"""Read-only model admin."""

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # unfold has no types
    """Lists and pages without a form; never counts all rows of a table."""

    show_full_result_count = False
    list_per_page = 50
    actions_on_top = True

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether the list filters by this lookup: by default Django lets a URL compare any column, shown or not."""
        if any(lookup == getattr(item, "parameter_name", None) for item in self.list_filter):
            return True  # a filter's own parameter, which it reads itself
        named = {item[0] if isinstance(item, tuple) else item for item in self.list_filter}
        return lookup.partition("__")[0] in named and bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, _request: HttpRequest, *_about: Any) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        return False
