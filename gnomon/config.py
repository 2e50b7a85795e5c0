"""Settings: one visible list, read from `GNOMON_…` environment variables."""

from __future__ import annotations

import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gnomon.terms import Language


class Settings(BaseSettings):
    """Where things lie and how they behave. Everything has a default that works on one machine without a server."""

    model_config = SettingsConfigDict(env_prefix="GNOMON_", frozen=True, extra="forbid")

    workspace: Path = Field(Path("workspace"), description="Folder that holds all state.")
    lake: str = Field("", description="URL or folder of the lake; default `<workspace>/lake`.")
    database: str = Field("", description="Database URL; default SQLite in the workspace, PostgreSQL for many users.")
    engine: str = Field("duckdb", description="Engine that computes profiles: duckdb, or a Spark master.")
    mlflow: str = Field("", description="MLflow tracking URL; default SQLite in the workspace.")
    artifacts: str = Field("", description="MLflow artifact folder; default `mlruns` beside the workspace.")
    language: Language = Field(Language.EN, description="Language of the command line: zh or en.")
    min_peers: int = Field(20, ge=5, description="A norm needs at least this many peers, or its parent group is used.")
    budget: int = Field(20, ge=1, description="Warnings a scoring run may issue for one kind of entity.")
    audit_share: float = Field(
        0.05,
        ge=0.0,
        le=0.5,
        description="Part of the budget for entities drawn at random, whom nobody suspects; never persons. 0: none.",
    )
    label_delay: int = Field(
        0, ge=0, description="Days until a false alarm counts as such in training; it may be overturned before."
    )
    model_folder: Path | None = Field(None, description="Further folder of warning models; overrides shipped ids.")
    smtp: str = Field("", description="Mail server, smtp://user:password@host:port or smtps://…; empty: no e-mail.")
    mail_from: str = Field("gnomon@localhost", description="Sender of e-mails.")
    threads: int = Field(0, ge=0, description="Processor threads to use; 0 means all.")
    precision_floor: float = Field(
        0.05, ge=0, lt=1, description="Precision below which, beyond doubt, a warning model is proposed for retirement."
    )
    precision_floors: dict[str, float] = Field(
        {}, description="The same for single models or schemes, as JSON: their id → floor; a model's own goes first."
    )
    log_requests: bool = Field(False, description="Whether `gnomon serve` logs every request as a line of JSON.")
    traces: str = Field(
        "", description="Where OpenTelemetry traces go: an OTLP/HTTP address, or `file` for the workspace; empty: none."
    )

    @property
    def lake_url(self) -> str:
        """Where the lake lies."""
        return self.lake or str(self.workspace / "lake")

    @property
    def database_url(self) -> str:
        """Where cases, warnings and the trail lie."""
        return self.database or f"sqlite:///{(self.workspace / 'gnomon.db').absolute()}"

    @property
    def mlflow_url(self) -> str:
        """Where MLflow keeps runs and the registry."""
        return self.mlflow or f"sqlite:///{(self.workspace / 'mlflow.db').absolute()}"

    @property
    def artifacts_url(self) -> str:
        """Where MLflow keeps artifacts."""
        return self.artifacts or (self.workspace.absolute().parent / "mlruns").as_uri()

    @cached_property
    def secret(self) -> bytes:
        """The deployment's key, made once and readable by its owner: pseudonyms and session cookies hang on it."""
        path = self.workspace / "secret"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"secret.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_bytes(secrets.token_bytes(32))
            # link() refuses to overwrite: two processes that start at once agree on one key.
            with suppress(FileExistsError):
                path.hardlink_to(fresh)
            fresh.unlink()
        return path.read_bytes()

    def folder(self, *parts: str) -> Path:
        """A folder of the workspace, made when missing."""
        path = self.workspace.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path
