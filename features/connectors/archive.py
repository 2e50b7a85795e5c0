"""Bytes of a file, unpacked when it is compressed, and their text whatever the encoding."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import IO, cast

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


def file_mark(path: Path) -> str:
    """SHA-256 of a file as it lies."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


class Opened:
    """A file read from its beginning to its end in chunks, unpacked when it is compressed; `mark` is known then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = sha256()
        if path.stat().st_size == 0:
            raise Fault("features.file.empty", place=str(path))
        self.name = path.name
        self._member = ""
        if path.suffix.lower() == ".gz":
            self.name = path.stem
        elif path.suffix.lower() == ".zip":
            try:
                with zipfile.ZipFile(path) as bundle:
                    self._member = _the_member(bundle, path)
            except zipfile.BadZipFile:
                raise Fault("features.file.cut", place=str(path)) from None
            self.name = PurePosixPath(self._member).name

    @property
    def mark(self) -> str:
        """SHA-256 of the file as it lies, once it has been read to its end."""
        return self._hash.hexdigest()

    def chunks(self, size: int) -> Iterator[bytes]:
        """The contents, `size` bytes at a time."""
        with self.path.open("rb") as file:
            stream: IO[bytes] = _Hashing(file, self._hash.update)  # type: ignore[assignment]
            try:
                if self._member:
                    for packed in iter(lambda: stream.read(size), b""):
                        del packed
                    with zipfile.ZipFile(file) as bundle, bundle.open(self._member) as inner:
                        yield from self._filled(inner, size)
                elif self.path.suffix.lower() == ".gz":
                    with gzip.open(stream) as inner:
                        yield from self._filled(cast(IO[bytes], inner), size)
                else:
                    yield from self._filled(stream, size)
            except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
                raise Fault("features.file.cut", place=str(self.path)) from None

    def _filled(self, stream: IO[bytes], size: int) -> Iterator[bytes]:
        chunk = stream.read(size)
        if not chunk:
            raise Fault("features.file.empty", place=str(self.path))
        while chunk:
            yield chunk
            chunk = stream.read(size)


class _Hashing(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes], update: Callable[[bytes], None]) -> None:
        self._file, self._update = file, update

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._update(chunk)
        return chunk


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
        member = _the_member(bundle, path)
        return bundle.read(member), PurePosixPath(member).name


def _the_member(bundle: zipfile.ZipFile, path: Path) -> str:
    members = [one for one in bundle.namelist() if not one.endswith("/") and not one.startswith("__MACOSX")]
    if len(members) != 1:
        raise Fault("features.file.zip", place=str(path), count=len(members))
    return members[0]
