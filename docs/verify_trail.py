"""Verify a bundle of the trail: python verify_trail.py BUNDLE.zip PUBLIC_KEY  (needs Python and `cryptography`)."""

import hashlib
import json
import sys
import zipfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAMES = ("actor", "action", "subject_kind", "subject_id", "before", "after", "previous")
bundle, key = zipfile.ZipFile(sys.argv[1]), Ed25519PublicKey.from_public_bytes(bytes.fromhex(sys.argv[2]))
told = bundle.read("manifest.json")
key.verify(bytes.fromhex(bundle.read("signature").decode()), told)  # raises InvalidSignature
manifest, whole, seq, last = json.loads(told), hashlib.sha256(), 0, "0" * 64
for line in bundle.open("trail.jsonl"):
    whole.update(line)
    event = json.loads(line)
    if (event["seq"], event["previous"]) != (seq + 1, last):
        sys.exit(f"event {seq + 1} is missing or moved")
    covered = [event["chain"], event["seq"], event["at"], *(event[name] for name in NAMES)]
    seq, last = event["seq"], event["hash"]
    text = json.dumps(covered, ensure_ascii=False, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest() != last:
        sys.exit(f"event {seq} was changed")
if (seq, last, whole.hexdigest()) != (manifest["events"], manifest["head"], manifest["trail_sha256"]):
    sys.exit("the events are not those that the manifest was signed for")
sys.stdout.write(f"{seq} events hold; the last hash is {last}\n")
