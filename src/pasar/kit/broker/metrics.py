"""What a broker's client counted, as metrics; read when somebody scrapes, at no cost before."""

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pasar.kit.broker.delivery import Counters


class BrokerCounts(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        counted = self._counters
        published = CounterMetricFamily(
            "broker_published",
            "messages sent, by outcome: taken, failed, unknown",
            labels=["outcome"],
        )
        published.add_metric(["taken"], counted.published)
        published.add_metric(["failed"], counted.publish_failed)
        published.add_metric(["unknown"], counted.publish_unknown)
        yield published
        for name, meaning, value in (
            ("delivered", "deliveries that a handler began", counted.delivered),
            ("acknowledged", "deliveries done with", counted.acknowledged),
            ("requeued", "deliveries to come again", counted.requeued),
            ("stale", "deliveries settled too late to count", counted.stale),
            ("dead", "deliveries that became dead letters; alert", counted.dead),
            ("reconnects", "connections to the broker that were lost", counted.reconnects),
        ):
            yield CounterMetricFamily(f"broker_{name}", meaning, value=value)
        connected = GaugeMetricFamily("broker_connected", "1 while the broker can be published to")
        connected.add_metric([], counted.connected)
        yield connected
