"""A viewset as in DRF's tutorial."""

from rest_framework import serializers, viewsets

from bench.stock.models import Flight


class FlightSerializer(serializers.ModelSerializer[Flight]):
    """A flight, without Andén's own columns."""

    class Meta:
        model = Flight
        exclude = ("source", "offset", "batch")


class FlightViewSet(viewsets.ReadOnlyModelViewSet[Flight]):
    """Flights in the order of the table's key, as in Andén's pages."""

    queryset = Flight.objects.order_by("time_hour", "source", "offset")
    serializer_class = FlightSerializer
