"""Verify a bundle of Gnomon's trail: python verify_trail.py BUNDLE.zip PUBLIC_KEY  (needs Python and `cryptography`)."""

import hashlib
import json
import sys
import zipfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAMES = ("actor", "action", "subject_kind", "subject_id", "before", "after", "previous")


def verify(path: str, public_key: str) -> str:
    with zipfile.ZipFile(path) as bundle:
        told = bundle.read("manifest.json")
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(bundle.read("signature").decode()), told)  # raises InvalidSignature
        manifest, whole, seq, last = json.loads(told), hashlib.sha256(), 0, "0" * 64
        for line in bundle.open("trail.jsonl"):
            whole.update(line)
            event = json.loads(line)
            assert event["seq"] == seq + 1 and event["previous"] == last, f"event {seq + 1} is missing or moved"
            covered = [event["chain"], event["seq"], event["at"], *(event[name] for name in NAMES)]
            seq, last = event["seq"], event["hash"]
            text = json.dumps(covered, ensure_ascii=False, separators=(",", ":"))
            assert hashlib.sha256(text.encode()).hexdigest() == last, f"event {seq} was changed"
    assert (seq, last, whole.hexdigest()) == (manifest["events"], manifest["head"], manifest["trail_sha256"])
    return f"{seq} events hold; the last hash is {last}"


if __name__ == "__main__":
    print(verify(*sys.argv[1:]))
