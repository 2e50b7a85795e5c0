"""Counters of the serving process in Prometheus text format, kept by hand: requests, seconds, rows scored."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the latency histogram, seconds."""


class Metrics:
    """What one process counts; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: dict[str, float] = defaultdict(float)
        self._scored: dict[str, int] = defaultdict(int)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the path template, so that ids do not become labels."""
        slot = next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        with self._lock:
            self._requests[(method, route, status)] += 1
            self._buckets[route][slot] += 1
            self._seconds[route] += seconds

    def scored(self, entity: str, rows: int) -> None:
        """Count rows that were scored on demand."""
        with self._lock:
            self._scored[entity] += rows

    def text(self, gauges: Mapping[str, float]) -> str:
        """All counters, and the gauges given, in Prometheus exposition format 0.0.4."""
        lines = ["# HELP gnomon_requests_total Requests answered.", "# TYPE gnomon_requests_total counter"]
        with self._lock:
            for (method, route, status), count in sorted(self._requests.items()):
                labels = f'method="{method}",route="{route}",status="{status}"'
                lines.append(f"gnomon_requests_total{{{labels}}} {count}")
            lines += [
                "# HELP gnomon_request_seconds Time to answer.",
                "# TYPE gnomon_request_seconds histogram",
            ]
            for route, counts in sorted(self._buckets.items()):
                lines += _histogram(route, counts, self._seconds[route])
            lines += ["# HELP gnomon_scored_total Entities scored on demand.", "# TYPE gnomon_scored_total counter"]
            lines += [f'gnomon_scored_total{{entity="{name}"}} {count}' for name, count in sorted(self._scored.items())]
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _histogram(route: str, counts: list[int], seconds: float) -> list[str]:
    lines, running = [], 0
    for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
        running += count
        lines.append(f'gnomon_request_seconds_bucket{{route="{route}",le="{bound}"}} {running}')
    lines.append(f'gnomon_request_seconds_sum{{route="{route}"}} {seconds:.6f}')
    lines.append(f'gnomon_request_seconds_count{{route="{route}"}} {running}')
    return lines


HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
"""Sent with every answer unless the route has set its own: pages run nothing but our own files."""


STATIC = (*(pair for pair in HEADERS if pair[0] != b"cache-control"), (b"cache-control", b"max-age=3600"))
"""Style sheet and icon hold nothing of anybody: browsers may keep them for an hour."""


class Watch:
    """ASGI middleware: counts every request and sends the security headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                have = {name.lower() for name, _ in given}
                added = STATIC if scope["path"].startswith("/console/static/") else HEADERS
                message["headers"] = [*given, *(pair for pair in added if pair[0] not in have)]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.request(scope["method"], route, status, time.perf_counter() - began)
