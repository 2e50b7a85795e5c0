"""A workspace that serves: a real database with people and cases, a lake with the rows behind the warnings."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
import uvicorn

from cases import people, queue, store
from cases.workflow import Role
from features.contracts import contract_of
from features.lake import Lake
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Evidence, Norm, Reason, Severity, Text, Warned
from serving.api.app import create

PASSWORD = "correct horse battery"
PUBLIC2 = Text("医院 × 二级 × 公立", "hospitals × level 2 × public")


@dataclass
class Place:
    """One serving workspace."""

    settings: Settings
    client: httpx.Client
    url: str
    tokens: dict[str, str]
    """API token by role."""

    def by(self, role: str, language: str = "en") -> dict[str, str]:
        """Headers of a person of this role."""
        return {"Authorization": f"Bearer {self.tokens[role]}", "Accept-Language": language}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Three hospitals under suspicion, one person per role: made once, because honest password hashes take time."""
    settings = Settings(workspace=tmp_path_factory.mktemp("template"))
    claims(settings)
    database = store.upgrade(settings)
    with transaction(database) as session:
        for role in Role:
            people.add(session, role.value, role, "test", PASSWORD, display=f"{role.value.title()} A")
        tokens = {role.value: people.issue_token(session, role.value, "test") for role in Role}
        queue.hand_over(session, suspicions(), "run-1", "test")
    database.dispose()
    return settings.workspace, tokens


@pytest.fixture
def place(template: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Place]:
    """A workspace of its own, served."""
    folder, tokens = template
    settings = Settings(workspace=Path(shutil.copytree(folder, tmp_path / "workspace")))
    with served(settings) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        yield Place(settings, client, url, tokens)


@pytest.fixture(scope="session")
def serve() -> Callable[[Settings], AbstractContextManager[str]]:
    """Serves a workspace on this machine's loopback for as long as a block runs."""
    return served


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """A real server on this machine's loopback; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create(settings), log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@contextmanager
def asked_by_system(settings: Settings) -> Iterator[httpx.Client]:
    """A client with the token of a new account of a system."""
    database = store.upgrade(settings)
    with transaction(database) as session:
        people.add(session, "system", Role.SERVICE, "test")
        token = people.issue_token(session, "system", "test")
    database.dispose()
    headers = {"Authorization": f"Bearer {token}"}
    with served(settings) as url, httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client


def suspicions() -> list[Warned]:
    """H1 is grave and known by two models, H2 and H3 are not grave."""
    return [
        warned("H1", "med-rx", Severity.ALERT, name="H1 市第一医院"),
        warned("H1", "med-composite", name="H1 市第一医院"),
        warned("H2", "med-rx", percentile=0.98, name="<b>H2</b>"),
        warned("H3", "med-rx", percentile=0.97),
    ]


def warned(
    entity: str, model: str = "med-rx", severity: Severity = Severity.WARN, percentile: float = 0.99, name: str = ""
) -> Warned:
    """A warning whose contributions add up: over-prescribing, against level-2 public hospitals."""
    norm = Norm(PUBLIC2, 812, 1.5, 0.4, 0.7, 2.6)
    paid = Norm(PUBLIC2, 812, 2_100_000.0, 900_000.0, 400_000.0, 6_800_000.0)
    rows = (Evidence("claim", "claim_id", tuple(f"C{n}" for n in range(1, 16)), 412),)
    reasons = (
        Reason(
            "ddd_per_patient",
            Text("每名患者处方量", "Prescription volume per patient"),
            35.2,
            "DDD",
            norm,
            84.2,
            5.55,
            Text(
                "每名患者处方量为 35.2 DDD，是同类中位数 1.5 的 23.5 倍（同类：医院 × 二级 × 公立，共 812 家）。",
                "Prescription volume per patient: 35.2 DDD, 23.5 times the median (1.5) of 812 peers "
                "(hospitals × level 2 × public).",
            ),
            rows,
        ),
        Reason(
            "fund_paid_365d",
            Text("基金支付额(近365天)", "fund paid, last 365 days"),
            9_600_000.0,
            "CNY",
            paid,
            8.3,
            2.1,
            Text(
                "基金支付额(近365天)为 960 万元，是同类中位数 210 万元 的 4.6 倍"
                "（同类：医院 × 二级 × 公立，共 812 家）。",
                "Fund paid, last 365 days: CNY 9.6 million, 4.6 times the median (CNY 2.1 million) of 812 peers "
                "(hospitals × level 2 × public).",
            ),
        ),
        Reason(
            "weekend_share",
            Text("周末结算占比", "share of weekend claims"),
            0.12,
            "%",
            Norm(PUBLIC2, 812, 0.21, 0.05, 0.11, 0.33),
            -1.8,
            -0.4,
            Text(
                "周末结算占比为 12%，仅为同类中位数 21% 的 57%（同类：医院 × 二级 × 公立，共 812 家）。",
                "Share of weekend claims: 12%, only 57% of the median (21%) of 812 peers "
                "(hospitals × level 2 × public).",
            ),
        ),
        Reason(
            "other",
            Text("其他指标", "Other measures"),
            None,
            "",
            None,
            None,
            0.25,
            Text("其余 14 项影响较小的指标合计。", "14 further measures with little weight, taken together."),
        ),
    )
    return Warned(
        model=model,
        model_version="rules@0123456789ab",
        title=Text("处方量远超同类常模", "Prescribing far above the peers' norm"),
        scene="medical-insurance",
        scheme="over-prescribing",
        severity=severity,
        entity_kind="institution",
        entity_id=entity,
        entity_name=name or entity,
        as_of=datetime(2025, 6, 30, 23, 59, tzinfo=UTC),
        lake_version=1,
        score=8.0,
        base=0.5,
        percentile=percentile,
        threshold=4.0,
        reasons=reasons,
        advice=Text(
            "先核对该院是否为专科定点或慢病长处方机构，以及单位换算（盒与片）是否有误。",
            "First check whether the hospital is a designated specialist centre or issues long prescriptions for "
            "chronic illness, and whether boxes were entered as tablets.",
        ),
    )


def claims(settings: Settings) -> None:
    """Twenty claims of H1 in the lake."""
    under = contract_of("claim")
    own = {column.name for column in under.columns}
    rows = [
        {
            "claim_id": f"C{n}",
            "person_id": f"P{n}",
            "institution_id": "H1",
            "claim_type": "outpatient",
            "service_from": datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=n),
            "settled_at": datetime(2025, 3, 2, tzinfo=UTC) + timedelta(days=n),
            "total_amount": Decimal(100 * n),
            "fund_amount": Decimal(80 * n),
            "self_amount": Decimal(20 * n),
            "status": "settled",
            "service_to": datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=n),
            "date": date(2025, 3, 1),
        }
        for n in range(1, 21)
    ]
    fields = [field for field in under.schema if field.name in own and field.name in rows[0]]
    Lake(settings.lake_url).commit("claim", pa.Table.from_pylist(rows, schema=pa.schema(fields)), "test", "0")
