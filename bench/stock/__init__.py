"""What most people write: a model, a ModelSerializer, a viewset with PageNumberPagination, a loop with create()."""
