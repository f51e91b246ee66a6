"""The admin of third parties: clients, their keys, and what each may do. Keys are shown once, when made."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from apps.api.clients.services import GrantRequest, client_create
from apps.api.errors import ClientInvalid
from apps.api.models import Client, Grant, Key
from apps.datasets.models import Dataset
from apps.datasets.read_only_admin import ReadOnlyAdmin


class NewClientForm(forms.Form):
    """A client's name and the datasets it is granted, whole but for what their contracts restrict."""

    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    read = forms.ModelMultipleChoiceField(
        Dataset.objects.all(), required=False, label="May read", widget=UnfoldAdminSelectMultipleWidget
    )
    write = forms.ModelMultipleChoiceField(
        Dataset.objects.all(), required=False, label="May write", widget=UnfoldAdminSelectMultipleWidget
    )

    def grants(self) -> list[GrantRequest]:
        """What was chosen, a request for each dataset."""
        read = {dataset.name for dataset in self.cleaned_data["read"]}
        write = {dataset.name for dataset in self.cleaned_data["write"]}
        return [GrantRequest(name, may_read=name in read, may_write=name in write) for name in sorted(read | write)]


def grant_columns_text(grant: Grant) -> str:
    """The columns that a grant names, or what stands for none named."""
    return "all that are not restricted" if grant.columns is None else ", ".join(grant.columns)


class ClientInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """Something that was made with the client, to look at below it."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        """Nothing is changed here."""
        return False


class GrantInline(ClientInline):
    """What the client may do."""

    model = Grant
    fields = ("dataset", "may_read", "may_write", "visible_columns")
    readonly_fields = ("visible_columns",)

    @admin.display(description="columns")
    def visible_columns(self, grant: Grant) -> str:
        """The columns of the grant in words."""
        return grant_columns_text(grant)


class KeyInline(ClientInline):
    """The client's keys, their secrets unknown to anyone but it."""

    model = Key
    fields = ("public_id", "created_at", "last_used_on", "revoked_at")
    readonly_fields = fields


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """Third parties; revoking one ends all of its keys at once."""

    list_display = ("name", "created_at", "revoked_at")
    search_fields = ("name",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    fields = ("name", "created_at", "revoked_at")
    inlines = (GrantInline, KeyInline)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, *_about: Any) -> bool:
        """Stewards make clients."""
        return request.user.has_perm("api.add_client")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Stewards end them."""
        return request.user.has_perm("api.change_client")

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A form for a new client; its answer shows the key, this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewClientForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New client", "form": form}
        request.current_app = self.admin_site.name
        if form.is_valid():
            try:
                client, key = client_create(form.cleaned_data["name"], form.grants())
            except ClientInvalid as refusal:
                form.add_error(None, str(refusal))
            else:
                self.log_addition(request, client, "made with a key")
                made = {**context, "title": client.name, "client": client, "key": str(key)}
                return TemplateResponse(request, "api/client_made.html", made)
        return TemplateResponse(request, "api/client_new.html", context)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        """End these clients, now."""
        ended = clients.filter(revoked_at=None).update(revoked_at=Now())
        messages.success(request, f"{ended} revoked: their keys are refused from the next request on.")


@admin.register(Key)
class KeyAdmin(ReadOnlyAdmin):
    """Keys by their public half; the secret one is not kept."""

    list_display = ("public_id", "client", "created_at", "last_used_on", "revoked_at")
    list_select_related = ("client",)
    search_fields = ("client__name", "public_id")
    fields = ("client", "public_id", "created_at", "last_used_on", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Stewards end keys."""
        return request.user.has_perm("api.change_key")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[Key]) -> None:
        """End these keys, now."""
        ended = keys.filter(revoked_at=None).update(revoked_at=Now())
        messages.success(request, f"{ended} revoked: refused from the next request on.")


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """What each client may do with which dataset; deleting one takes it back."""

    list_display = ("client", "dataset", "may_read", "may_write", "visible_columns")
    fields = list_display
    readonly_fields = ("visible_columns",)
    list_display_links = ("client", "dataset")
    list_select_related = ("client", "dataset")
    list_filter = ("dataset", "may_write")
    list_filter_sheet = False
    search_fields = ("client__name", "dataset__name")

    @admin.display(description="columns")
    def visible_columns(self, grant: Grant) -> str:
        """The columns of the grant in words."""
        return grant_columns_text(grant)

    def has_delete_permission(self, request: HttpRequest, _one: Any = None) -> bool:
        """Stewards take grants back."""
        return request.user.has_perm("api.delete_grant")
