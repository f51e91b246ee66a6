"""The address of the stock API."""

from rest_framework.routers import SimpleRouter

from bench.stock.views import FlightViewSet

router = SimpleRouter()
router.register("flights", FlightViewSet)
urlpatterns = router.urls
