"""/metrics: what the processes of this host have counted, and what the database says of the site."""

from collections.abc import Iterable, Sequence

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import Metric
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from blockalloc.measures import deliveries, looks, registry  # noqa: F401 - also those that only other processes count
from blockalloc.monitoring import access, site_metrics
from blockalloc.version import VERSION


class _Families(Collector):
    """Metrics that have been collected, for an encoder."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, in the format that Prometheus asks for. 403 without a word for those who may not ask."""
    if not access.may_ask(request):
        return HttpResponse(status=403)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    build = InfoMetricFamily("blockalloc_build", "The release that answers.", {"version": VERSION})
    families = [build, *registry.collect(), *site_metrics.collect()]
    return HttpResponse(encode(_Families(families)), content_type=content_type)
