"""The stock API's URLs."""

from rest_framework.routers import SimpleRouter

from bench.stock.views import FlightViewSet

router = SimpleRouter()
router.register("flights", FlightViewSet)
urlpatterns = router.urls
