"""The words of case work: states, actions, roles, sides and kinds of bodies, each with its titles. No rules here."""

from __future__ import annotations

from enum import StrEnum

from gnomon.terms import Outcome, Severity, Text


class State(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    """Waits for somebody to sign for it; it may already be meant for a named person."""
    REMINDED = "reminded"
    """The department was reminded and puts it right by itself; a silent watch runs behind."""
    REVIEW = "review"
    PAUSED = "paused"
    """Waits for something outside; the clock stands still."""
    RECTIFYING = "rectifying"
    CLOSING = "closing"
    """An outcome is proposed and waits for a second pair of eyes."""
    CLOSED = "closed"
    MERGED = "merged"
    """Its warnings are handled in another case."""


class Action(StrEnum):
    """What people do with a case."""

    CLAIM = "claim"
    REFUSE = "refuse"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    RETURN = "return"
    LIAISON = "liaison"
    INVITE = "invite"
    CONFIRM = "confirm"
    SPLIT = "split"
    REMIND = "remind"
    RESPOND = "respond"
    STEP_IN = "step_in"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    RECTIFY = "rectify"
    SUBMIT = "submit"
    CHECK = "check"
    REPORT = "report"
    SUPERVISE = "supervise"
    RESUPERVISE = "resupervise"
    CONSULT = "consult"
    VOTE = "vote"
    CONCLUDE = "conclude"
    CIRCULATE = "circulate"
    COPY = "copy"
    NOTE = "note"
    CLOSE = "close"
    RECONCILE = "reconcile"
    DECLINE = "decline"
    MERGE = "merge"
    UNMERGE = "unmerge"
    REOPEN = "reopen"


class Role(StrEnum):
    """What a person is here for. Whoever administers accounts does not handle cases, and the other way round."""

    AUDITOR = "auditor"
    SUPERVISOR = "supervisor"
    HANDLER = "handler"
    LIAISON = "liaison"
    VIEWER = "viewer"
    DATA_SCIENTIST = "data_scientist"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


class Side(StrEnum):
    """On which side a body takes part in a case."""

    LEAD = "lead"
    """Handles the case, or handled it before."""
    OWNER = "owner"
    REGULATOR = "regulator"
    SUPERVISOR = "supervisor"
    HELPER = "helper"


class BodyKind(StrEnum):
    """The "1+9" kinds of supervision, and the bodies that are supervised or regulate."""

    DISCIPLINE = "discipline"
    PEOPLES_CONGRESS = "peoples_congress"
    DEMOCRATIC = "democratic"
    ADMINISTRATIVE = "administrative"
    JUDICIAL = "judicial"
    AUDIT = "audit"
    FINANCE = "finance"
    STATISTICS = "statistics"
    PUBLIC = "public"
    MEDIA = "media"
    DEPARTMENT = "department"
    UNIT = "unit"


BODY_KINDS: dict[BodyKind, Text] = {
    BodyKind.DISCIPLINE: Text("纪检监察监督", "discipline inspection"),
    BodyKind.PEOPLES_CONGRESS: Text("人大监督", "people's congress"),
    BodyKind.DEMOCRATIC: Text("民主监督", "democratic supervision"),
    BodyKind.ADMINISTRATIVE: Text("行政监督", "administrative supervision"),
    BodyKind.JUDICIAL: Text("司法监督", "judicial supervision"),
    BodyKind.AUDIT: Text("审计监督", "audit"),
    BodyKind.FINANCE: Text("财会监督", "finance and accounting"),
    BodyKind.STATISTICS: Text("统计监督", "statistics"),
    BodyKind.PUBLIC: Text("群众监督", "supervision by the public"),
    BodyKind.MEDIA: Text("舆论监督", "supervision by the media"),
    BodyKind.DEPARTMENT: Text("职能部门", "department"),
    BodyKind.UNIT: Text("业主单位", "owner unit"),
}

SIDES: dict[Side, Text] = {
    Side.LEAD: Text("主办", "lead"),
    Side.OWNER: Text("业主", "owner"),
    Side.REGULATOR: Text("监管", "regulator"),
    Side.SUPERVISOR: Text("监督", "supervising body"),
    Side.HELPER: Text("协办", "cooperating"),
}

STATES: dict[State, Text] = {
    State.OPEN: Text("待签收", "awaiting sign-in"),
    State.REMINDED: Text("前台提醒中", "department reminded"),
    State.REVIEW: Text("办理中", "under review"),
    State.PAUSED: Text("已中止计时", "paused"),
    State.RECTIFYING: Text("整改中", "rectifying"),
    State.CLOSING: Text("待对账销号", "awaiting reconciliation"),
    State.CLOSED: Text("已办结", "closed"),
    State.MERGED: Text("已并案", "merged"),
}

ACTIONS: dict[Action, Text] = {
    Action.CLAIM: Text("签收", "sign in"),
    Action.REFUSE: Text("拒签", "refuse"),
    Action.ASSIGN: Text("分派", "assign"),
    Action.TRANSFER: Text("转办", "transfer"),
    Action.RETURN: Text("退回", "return"),
    Action.LIAISON: Text("指定对接人", "name liaison"),
    Action.INVITE: Text("邀请参与", "invite body"),
    Action.CONFIRM: Text("确认", "confirm"),
    Action.SPLIT: Text("分办", "split"),
    Action.REMIND: Text("前台提醒", "remind department"),
    Action.RESPOND: Text("反馈", "respond"),
    Action.STEP_IN: Text("介入", "step in"),
    Action.PAUSE: Text("中止计时", "pause"),
    Action.RESUME: Text("恢复计时", "resume"),
    Action.EXTEND: Text("延期", "extend"),
    Action.RECTIFY: Text("责令整改", "order rectification"),
    Action.SUBMIT: Text("提交整改项", "submit item"),
    Action.CHECK: Text("核验整改项", "check item"),
    Action.REPORT: Text("上报整改结果", "report rectification"),
    Action.SUPERVISE: Text("督办", "supervise"),
    Action.RESUPERVISE: Text("再监督", "supervise again"),
    Action.CONSULT: Text("会商", "consult"),
    Action.VOTE: Text("会商表决", "vote"),
    Action.CONCLUDE: Text("形成会商纪要", "conclude consultation"),
    Action.CIRCULATE: Text("通报", "circulate"),
    Action.COPY: Text("抄送", "copy to"),
    Action.NOTE: Text("备注", "note"),
    Action.CLOSE: Text("办结", "close"),
    Action.RECONCILE: Text("对账销号", "reconcile"),
    Action.DECLINE: Text("退回补充", "decline closing"),
    Action.MERGE: Text("并案", "merge"),
    Action.UNMERGE: Text("撤销并案", "unmerge"),
    Action.REOPEN: Text("重启办理", "reopen"),
}

MEANINGS: dict[Action, Text] = {
    Action.CLAIM: Text("签收后由本人办理，办理时限自此起算。", "You take the case; its time limit starts to run."),
    Action.REFUSE: Text(
        "说明理由后拒绝签收，等待重新分派。", "You do not take the case, with the reason; it is assigned anew."
    ),
    Action.ASSIGN: Text("指定承办人，等待其签收。", "Names the person who is to sign for the case."),
    Action.TRANSFER: Text(
        "转交其他人员或单位办理，等待签收；转办次数累计，多次转办予以标记。",
        "Hands the case to another person or body; how often that happened is counted, and too often is flagged.",
    ),
    Action.RETURN: Text("说明理由后退回，等待重新分派。", "Gives the case back, with the reason, to be assigned anew."),
    Action.LIAISON: Text("指定对接人，负责各方联络。", "Names the person whom all sides turn to."),
    Action.INVITE: Text(
        "邀请单位以业主、监管、监督或协办身份参与。",
        "Brings a body in: as owner, regulator, supervising body or helper.",
    ),
    Action.CONFIRM: Text("代表本单位一方确认办理结果。", "Confirms the result for your side."),
    Action.SPLIT: Text(
        "拆分为若干子办件，全部办结后方可办结本件。",
        "Makes sub-cases; the case closes only when all of them are closed.",
    ),
    Action.REMIND: Text(
        "先提醒职能部门自行处理，后台静默跟踪，逾期未处理则介入。",
        "Lets the department put it right first; a silent watch runs and steps in when nothing happens in time.",
    ),
    Action.RESPOND: Text(
        "反馈自行处理情况，转回核查。", "Tells what the department did; the case goes back to be checked."
    ),
    Action.STEP_IN: Text("结束前台提醒，正式介入办理。", "Ends the soft mode: the case is handled in full."),
    Action.PAUSE: Text("说明理由后中止计时。", "Stops the clock, with the reason."),
    Action.RESUME: Text(
        "恢复计时，办理期限顺延。", "Starts the clock again; the date moves by the time that it stood still."
    ),
    Action.EXTEND: Text("说明理由后调整办理期限。", "Sets another date, with the reason."),
    Action.RECTIFY: Text(
        "责令责任单位整改，可逐项列明，等待上报结果。",
        "Orders the responsible body to put things right, item by item, and report.",
    ),
    Action.SUBMIT: Text("提交一项整改的完成情况和佐证。", "Says with evidence that one item was put right."),
    Action.CHECK: Text(
        "由他人核验一项整改，通过或退回。", "Somebody else checks one item: passed, or to be done again."
    ),
    Action.REPORT: Text("上报整改结果，转回核查。", "Reports what was put right; the case goes back to be checked."),
    Action.SUPERVISE: Text("督促承办人限期办理。", "Presses the owner to get on with it."),
    Action.RESUPERVISE: Text("督办后仍无进展，对监督责任再监督。", "Second level: supervision itself is supervised."),
    Action.CONSULT: Text(
        "召集会商，就议题表决并形成纪要。", "Calls people together on a question, to vote and to minute it."
    ),
    Action.VOTE: Text("就会商议题表决。", "Votes on the question of a consultation."),
    Action.CONCLUDE: Text("填写会商纪要，结束会商。", "Writes the minutes and ends the consultation."),
    Action.CIRCULATE: Text("向指定单位通报，由其确认知悉。", "Tells bodies about it; each acknowledges."),
    Action.COPY: Text(
        "抄送他人阅知，对方打开时留下阅读记录。", "Lets somebody read along; when they open it is recorded."
    ),
    Action.NOTE: Text("在办件轨迹中追加一条备注。", "Adds a note to the case's trail."),
    Action.CLOSE: Text(
        "填写结论和理由后办结，形成标签；须双人复核的结论先待对账销号。",
        "Ends the case with an outcome and a reason, and makes a label; some outcomes wait for a second pair of eyes.",
    ),
    Action.RECONCILE: Text(
        "由提出人以外的人核对后销号办结。", "Somebody other than the proposer checks the figures and closes the case."
    ),
    Action.DECLINE: Text("说明理由后退回补充办理。", "Sends a proposed closing back, with the reason."),
    Action.MERGE: Text(
        "并入另一办件，预警一并转入，可撤销。", "Puts the case and its warnings into another; it can be undone."
    ),
    Action.UNMERGE: Text("撤销并案，预警转回。", "Undoes a merge; the warnings go back."),
    Action.REOPEN: Text(
        "说明理由后重新办理，原标签撤回。", "Takes the case up again, with the reason, and withdraws its label."
    ),
}

ROLES: dict[Role, Text] = {
    Role.AUDITOR: Text("监督人员", "auditor"),
    Role.SUPERVISOR: Text("督办负责人", "supervisor"),
    Role.HANDLER: Text("承办人", "handler"),
    Role.LIAISON: Text("对接人", "liaison"),
    Role.VIEWER: Text("查阅人员", "viewer"),
    Role.DATA_SCIENTIST: Text("数据分析师", "data scientist"),
    Role.ADMINISTRATOR: Text("系统管理员", "administrator"),
    Role.SERVICE: Text("系统对接账号", "service"),
}

OUTCOMES: dict[Outcome, Text] = {
    Outcome.CONFIRMED: Text("查实", "confirmed"),
    Outcome.USEFUL: Text("有价值但未查实", "useful, nothing proved"),
    Outcome.FALSE_ALARM: Text("误报", "false alarm"),
    Outcome.DATA_ERROR: Text("数据错误", "data error"),
}

SEVERITIES: dict[Severity, Text] = {
    Severity.WARN: Text("预警", "warning"),
    Severity.ALERT: Text("重点预警", "alert"),
}
