"""The baseline: a model, a ModelSerializer, a viewset with PageNumberPagination, a consumer loop with create()."""
