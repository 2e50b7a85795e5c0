"""Bytes of a file, unpacked when it is compressed, and their text whatever the encoding."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path, PurePosixPath

from gnomon.errors import Fault


def contents(path: Path) -> tuple[bytes, str, str]:
    """Unpacked bytes, the file name without the packing's suffix, and the SHA-256 of the file as it lies.

    Raises
    ------
    Fault
        When the file is empty, cut off, or a zip with anything but one file in it.
    """
    packed = path.read_bytes()
    mark = sha256(packed).hexdigest()
    if not packed:
        raise Fault("features.file.empty", place=str(path))
    try:
        if path.suffix.lower() == ".gz":
            return _filled(gzip.decompress(packed), path), path.stem, mark
        if path.suffix.lower() == ".zip":
            data, name = _only_member(packed, path)
            return _filled(data, path), name, mark
    except (EOFError, zlib.error, OSError, zipfile.BadZipFile):
        raise Fault("features.file.cut", place=str(path)) from None
    return packed, path.name, mark


def decoded(data: bytes, path: Path, encoding: str = "") -> bytes:
    """UTF-8 bytes without a byte order mark. Undeclared encodings: UTF-8, UTF-16 by its mark, GB18030."""
    if encoding:
        tries = [encoding]
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tries = ["utf-16"]
    else:
        tries = ["utf-8-sig", "gb18030"]
    for one in tries:
        try:
            text = data.decode(one)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\x00" not in text:
            return text.encode()
    row = data[: _first_bad_byte(data)].count(b"\n") + 1
    raise Fault("features.file.encoding", place=str(path), tried=", ".join(tries), row=row)


def _first_bad_byte(data: bytes) -> int:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        return wrong.start
    return max(data.find(b"\x00"), 0)


def _filled(data: bytes, path: Path) -> bytes:
    if not data:
        raise Fault("features.file.empty", place=str(path))
    return data


def _only_member(packed: bytes, path: Path) -> tuple[bytes, str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        members = [one for one in bundle.namelist() if not one.endswith("/") and not one.startswith("__MACOSX")]
        if len(members) != 1:
            raise Fault("features.file.zip", place=str(path), count=len(members))
        return bundle.read(members[0]), PurePosixPath(members[0]).name
