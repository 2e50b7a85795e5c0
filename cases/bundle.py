"""The trail as a signed bundle that a third party verifies without this program: see `docs/verify_trail.py`.

A ZIP file with `trail.jsonl` (every event, one JSON object a line, with all that its hash covers), `manifest.json`
(how many events, the last hash, the SHA-256 of the file, the public key) and `signature` (Ed25519 over the manifest).
The key is derived from the deployment's: `gnomon audit key` prints the public half, to be written down elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from cases import audit
from gnomon.config import Settings
from gnomon.errors import Fault

FORMAT = "gnomon-trail/1"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written."""

    path: Path
    events: int
    head: str
    public_key: str


def public_key(settings: Settings) -> str:
    """The public half of the key that bundles are signed with, in hex."""
    return _key(settings).public_key().public_bytes_raw().hex()


def sign(settings: Settings, told: bytes) -> str:
    """The deployment's signature over some bytes, in hex."""
    return _key(settings).sign(told).hex()


def export(session: Session, settings: Settings, path: Path) -> Bundle:
    """Write the whole trail as a bundle. One that does not verify is not signed: a fault (409) says where it breaks."""
    found = audit.verify(session)
    if found.broken is not None:
        raise Fault("cases.bundle_broken", place=found.broken.place, status=409)
    digest = hashlib.sha256()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("trail.jsonl", "w", force_zip64=True) as raw, io.BufferedWriter(raw, 2**20) as out:
            for event in audit.walk(session):
                line = (json.dumps(audit.told(event), ensure_ascii=False) + "\n").encode()
                digest.update(line)
                out.write(line)
        manifest = {
            "format": FORMAT,
            "events": found.events,
            "head": found.head,
            "trail_sha256": digest.hexdigest(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "public_key": public_key(settings),
        }
        told = json.dumps(manifest, sort_keys=True).encode()
        file.writestr("manifest.json", told)
        file.writestr("signature", sign(settings, told))
    return Bundle(path, found.events, found.head, public_key(settings))


def _key(settings: Settings) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hmac.new(settings.secret, b"trail bundle", hashlib.sha256).digest())
