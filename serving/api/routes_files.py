"""`/v1/attachments`: files that belong to a case, up and down."""

from __future__ import annotations

import hashlib
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cases import queue, rectification
from cases.tables_work import Attachment
from serving.api.auth import Anyone, Reader
from serving.api.once import Key, once
from serving.api.paging import Id
from serving.api.schemas_dossier import AttachmentOut
from serving.api.sent import FILE, File, media_type
from serving.api.state import serving_of

router = APIRouter(tags=["files"])


@router.get("/v1/cases/{case_id}/attachments", summary="Files of a case")
def attachments(case_id: int, request: Request, asking: Reader) -> list[AttachmentOut]:
    """Without their bytes, the oldest first."""
    with serving_of(request).reading() as session:
        queue.found(session, case_id, reader=asking)
        return [AttachmentOut.model_validate(one) for one in rectification.attachments(session, case_id)]


@router.post(
    "/v1/cases/{case_id}/attachments", status_code=201, summary="Put a file to a case", openapi_extra=FILE
)  # fmt: skip
def attach(
    case_id: int,
    request: Request,
    asking: Anyone,
    content: File,
    name: Annotated[str, Query(min_length=1, max_length=200, description="Name of the file.")],
    item: Annotated[int | None, Query(ge=1, lt=2**63, description="Rectification item that it is evidence of.")] = None,
    key: Key = None,
) -> AttachmentOut:
    """The body is the file itself, `Content-Type` its kind. 413 larger than 20 MB; 415 a kind that is not taken, or
    content that is not of that kind."""

    def put() -> dict[str, int]:
        made = rectification.attach(session, case_id, asking, name, media_type(request), content, item)
        return {"attachment": made.id}

    with serving_of(request).session() as session:
        asked = {"case": case_id, "name": name, "item": item, "sha256": hashlib.sha256(content).hexdigest()}
        made = once(session, asking, key, asked, put)
        held = rectification.attachments(session, case_id)
        return AttachmentOut.model_validate(next(one for one in held if one.id == made["attachment"]))


@router.get(
    "/v1/attachments/{number}",
    summary="One file",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def download(number: Id, request: Request, asking: Reader) -> Response:
    """Who opened it goes on the trail."""
    with serving_of(request).session() as session:
        return sent(rectification.attachment(session, number, asking))


def sent(file: Attachment) -> Response:
    """The bytes of a file as a download: no browser shows or runs what somebody uploaded."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
    return Response(file.content, media_type="application/octet-stream", headers=headers)
