"""The viewset of the tutorial."""

from rest_framework import serializers, viewsets

from bench.stock.models import Flight


class FlightSerializer(serializers.ModelSerializer[Flight]):
    """A flight, without Andén's own columns."""

    class Meta:
        model = Flight
        exclude = ("source", "offset", "batch")


class FlightViewSet(viewsets.ReadOnlyModelViewSet[Flight]):
    """Flights in the order of the table's key, the same as Andén's pages have."""

    queryset = Flight.objects.order_by("time_hour", "source", "offset")
    serializer_class = FlightSerializer
