"""What a server tells Prometheus: how many requests, how they ended, how long they took; never who or which object."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


def init_metrics(app: Flask, registry: CollectorRegistry = REGISTRY) -> None:
    """Counts and times every request by method and route (the rule, never the address) and status."""
    count = Counter(
        "cordon_http_requests", "Requests answered", ("method", "route", "status"), registry=registry
    )
    seconds = Histogram(
        "cordon_http_request_seconds",
        "Time until the answer's head",
        ("method", "route"),
        buckets=SECONDS,
        registry=registry,
    )

    @app.before_request
    def begin() -> None:
        g.metrics_started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.url_rule else "any"  # a stranger's method makes no new series
        count.labels(method, route, response.status_code).inc()
        if (started := g.get("metrics_started")) is not None:
            seconds.labels(method, route).observe(time.perf_counter() - started)
        return response
