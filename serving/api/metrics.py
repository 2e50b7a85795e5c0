"""Counters of the serving process in Prometheus text format, kept by hand: requests, seconds, rows scored."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon import tracing
from monitoring import journal

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the latency histogram, seconds."""


METRICS = {
    "gnomon_requests_total": ("counter", "Requests answered."),
    "gnomon_request_seconds": ("histogram", "Time to answer."),
    "gnomon_scored_total": ("counter", "Entities scored on demand."),
    "gnomon_cases": ("gauge", "Cases that the asking account may see, by state."),
}
"""Every metric of the process that answers requests; all stand in docs/operations/monitoring.md."""
FRESH = 30.0
"""Seconds for which an answer about what is watched serves further scrapes."""


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

    def text(self, cases: Mapping[str, int]) -> str:
        """All counters, and cases by state, in Prometheus exposition format 0.0.4."""
        lines = _head("gnomon_requests_total")
        with self._lock:
            for (method, route, status), count in sorted(self._requests.items()):
                labels = f'method="{method}",route="{route}",status="{status}"'
                lines.append(f"gnomon_requests_total{{{labels}}} {count}")
            lines += _head("gnomon_request_seconds")
            for route, counts in sorted(self._buckets.items()):
                lines += _histogram(route, counts, self._seconds[route])
            lines += _head("gnomon_scored_total")
            lines += [f'gnomon_scored_total{{entity="{name}"}} {count}' for name, count in sorted(self._scored.items())]
        lines += _head("gnomon_cases") + [f'gnomon_cases{{state="{state}"}} {count}' for state, count in cases.items()]
        return "\n".join(lines) + "\n"


class Held:
    """A text that is costly to make: told anew when it is older than `FRESH`, by one asker at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._text = ""

    def told(self, make: Callable[[], str]) -> str:
        """The text as it was made last, or made anew."""
        with self._lock:
            if time.monotonic() - self._made_at > FRESH:
                self._text = make()
                self._made_at = time.monotonic()
            return self._text


def _head(name: str) -> list[str]:
    kind, says = METRICS[name]
    return [f"# HELP {name} {says}", f"# TYPE {name} {kind}"]


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


UNTRACED = ("/healthz", "/readyz", "/metrics", "/console/static/")
"""Asked every few seconds, and no part of anybody's road."""


class Watch:
    """ASGI middleware: counts, traces and logs every request, and sends the security headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: bool = False) -> None:
        self.app = app
        self.metrics = metrics
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not tracing.on() or scope["path"].startswith(UNTRACED):
            await self._answered(scope, receive, send, tracing.Span())
            return
        given = {name: value for name, value in scope["headers"] if name == b"traceparent"}
        with tracing.span("request", follows=given.get(b"traceparent", b"").decode("latin-1")) as step:
            await self._answered(scope, receive, send, step)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, step: tracing.Span) -> None:
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
            # The template, never the address: that holds ids of entities and cases.
            route, method = getattr(scope.get("route"), "path", "unmatched"), scope["method"]
            seconds = time.perf_counter() - began
            self.metrics.request(method, route, status, seconds)
            step.rename(f"{method} {route}")
            step.tell(method=method, route=route, status=status)
            if self.log:
                journal.tell("request", method=method, route=route, status=status, seconds=round(seconds, 4))
