"""Traces: the road of a file from ingest to the case it led to, as OpenTelemetry spans. The only doorway to it.

Off unless `GNOMON_TRACES` says where they go, and nothing of OpenTelemetry is imported until then. What a span may tell
is listed in `FACTS`: no name, no id of a person or entity, no value of a record and no text of a foreign error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gnomon import __version__
from gnomon.errors import Fault, Misuse

if TYPE_CHECKING:
    from gnomon.config import Settings

FILE = "file"
"""Value of the setting that keeps traces in the workspace, a file a day, a span a line."""
FOLDER = "traces"
PATIENCE = 3.0
"""Seconds that a command waits at its end for a collector that does not answer."""
FACTS = frozenset(
    {
        "source", "file", "table", "tables", "version", "entity", "run", "job", "task", "cause", "state", "model",
        "rows", "columns", "refused", "new", "corrected", "unchanged", "joined", "known", "findings", "issued", "held",
        "entities", "light", "moved", "warning", "case", "action", "method", "route", "status", "detector", "as_of",
    }
)  # fmt: skip
"""What spans may tell. `file` is the fingerprint of its contents, `warning` and `case` are numbers of our own."""

Fact = str | int | float | bool | Sequence[str]


class Span:
    """One step of the road; silent when nothing is traced."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def tell(self, **facts: Fact | None) -> None:
        """Add facts; `ValueError` names one that is not on the list."""
        told = _told(facts)
        if self._inner is not None:
            self._inner.set_attributes(told)

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""
        if self._inner is not None:
            self._inner.update_name(name)

    def note(self, what: str, **facts: Fact | None) -> None:
        """Put an event on the span."""
        told = _told(facts)
        if self._inner is not None:
            self._inner.add_event(what, told)


_provider: Any = None
_where = ""


def start(settings: Settings) -> None:
    """Trace from now on where the settings say so; asking again for the same changes nothing.

    Raises `Misuse` when the setting is neither empty, `file`, nor an http address.
    """
    global _provider, _where
    where = str(settings.workspace.absolute() / FOLDER) if settings.traces == FILE else settings.traces
    if where == _where:
        return
    if where and settings.traces != FILE and urlsplit(where).scheme not in ("http", "https"):
        raise Misuse("gnomon.traces", place="GNOMON_TRACES", given=settings.traces)
    stop()
    if where:
        _provider, _where = _made(where), where


def stop() -> None:
    """Send what is left, and trace no more."""
    global _provider, _where
    if _provider is not None:
        _provider.shutdown()
    _provider, _where = None, ""


def on() -> bool:
    """Whether anything is traced."""
    return _provider is not None


@contextmanager
def span(name: str, follows: str = "", links: Sequence[str] = (), **facts: Fact | None) -> Iterator[Span]:
    """A step of the road while the block runs.

    Parameters
    ----------
    follows:
        W3C `traceparent` of the step that this one goes on from, when that was in another process; the step around this
        one is linked when it belongs to another trace. Empty: this one is part of the step around it.
    links:
        Further steps that led here.
    facts:
        What is told about it, from `FACTS`.
    """
    told = _told(facts)
    if _provider is None:
        yield Span()
        return
    from opentelemetry import trace
    from opentelemetry.trace import Link, Status, StatusCode

    elsewhere = bool(follows) and follows[3:35] != trace_id()
    held = [Link(trace.get_current_span(_remote(one)).get_span_context()) for one in links]
    if elsewhere and _running():
        held.append(Link(trace.get_current_span().get_span_context()))
    # An exception's own text may quote a record: only its kind is told.
    with _provider.get_tracer("gnomon", __version__).start_as_current_span(
        name,
        context=_remote(follows) if elsewhere else None,
        links=held,
        attributes=told,
        record_exception=False,
        set_status_on_exception=False,
    ) as inner:
        try:
            yield Span(inner)
        except BaseException as error:
            inner.set_status(Status(StatusCode.ERROR, error.key if isinstance(error, Fault) else type(error).__name__))
            raise


def context() -> str:
    """W3C `traceparent` of the step under way; empty when nothing is traced. Kept where the road leaves a process."""
    if _provider is None or not _running():
        return ""
    from opentelemetry.trace import get_current_span

    now = get_current_span().get_span_context()
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}"


def trace_id() -> str:
    """Id of the trace under way, 32 hex digits; empty when nothing is traced. Stands in logs and run records."""
    return context()[3:35]


def _told(facts: dict[str, Fact | None]) -> dict[str, Fact]:
    for name in facts:
        if name not in FACTS:
            raise ValueError(f"{name} is no fact that a span may tell")
    return {f"gnomon.{name}": value for name, value in facts.items() if value is not None}


def _running() -> bool:
    from opentelemetry.trace import get_current_span

    return bool(get_current_span().get_span_context().is_valid)


def _remote(traceparent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # One that cannot be read begins a new trace.
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _made(where: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    about = Resource.create({"service.name": "gnomon", "service.version": __version__})
    provider = TracerProvider(resource=about)
    if urlsplit(where).scheme in ("http", "https"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # The usual place below a collector's address, unless another is given.
        full = where if urlsplit(where).path.strip("/") else f"{where.rstrip('/')}/v1/traces"
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(full, timeout=PATIENCE)))
    else:
        provider.add_span_processor(SimpleSpanProcessor(_to_files(Path(where))))
    return provider


def _to_files(folder: Path) -> Any:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Files(SpanExporter):
        """One span a line, as OpenTelemetry writes it, in a file a day; processes append side by side."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            lines = "".join(one.to_json(indent=None) + "\n" for one in spans).encode()
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
            held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(held, lines)
            finally:
                os.close(held)
            return SpanExportResult.SUCCESS

    return Files()
