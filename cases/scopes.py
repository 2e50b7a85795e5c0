"""What an API token may be used for: the least rights that a system needs, out of those that its account's role has."""

from __future__ import annotations

from enum import StrEnum

from gnomon.terms import Text


class Scope(StrEnum):
    """One kind of use."""

    READ_CASES = "read:cases"
    WRITE_CASES = "write:cases"
    READ_TRAIL = "read:trail"
    READ_MODELS = "read:models"
    SCORE = "score"
    EXCHANGE = "exchange"
    OPERATE = "operate"
    ADMINISTER = "administer"


SCOPES: dict[Scope, Text] = {
    Scope.READ_CASES: Text(
        "读取预警、办件、清单、通知及其变更。", "Reads warnings, cases, lists, notices and their changes."
    ),
    Scope.WRITE_CASES: Text(
        "提出和办理办件，上传附件，暂停预警。", "Raises and handles cases, adds files, suppresses warnings."
    ),
    Scope.READ_TRAIL: Text("检索、校验和导出留痕。", "Searches, verifies and exports the trail."),
    Scope.READ_MODELS: Text("读取预警模型目录和在用模型。", "Reads the catalogue and the models that serve."),
    Scope.SCORE: Text("评分：单次和批量任务。", "Scores, at once and by jobs."),
    Scope.EXCHANGE: Text(
        "接收其他平台的预警、办件和移送包，并回告结果。",
        "Takes in warnings, cases and packages of other platforms, and tells what became of them.",
    ),
    Scope.OPERATE: Text(
        "读取运行指标，触发时限检查，处理未送达消息。", "Reads metrics, winds the clock, retries messages."
    ),
    Scope.ADMINISTER: Text("管理账号、单位、分派规则和策略。", "Manages accounts, bodies, routes and policies."),
}
