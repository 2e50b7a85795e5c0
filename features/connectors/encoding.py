"""Bytes of text in whatever encoding to UTF-8, block by block; lines in another encoding are told apart."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from features.connectors.raw import Broken
from gnomon.errors import Fault
from gnomon.i18n import both

MIXED = "mixed"
"""As declared encoding: every line may be in UTF-8 or GB18030 by itself."""
_CJK = ((0x2010, 0x2040), (0x3000, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x00B7, 0x00B7))


class Decoder:
    """Turns blocks that end at a line's end into UTF-8.

    Undeclared, a file is in UTF-8 or, where that does not read, in GB18030; a line in the other one of the two is
    refused, unless `mixed` is declared, when it is read and counted as repaired.
    """

    def __init__(self, path: Path, declared: str = "") -> None:
        self._path = path
        self._declared = declared
        self._found = ""
        self.repaired = 0

    def utf8(self, block: bytes, row: int) -> tuple[bytes, list[Broken]]:
        """The block in UTF-8, and the lines that could not be read, which are left blank. `row`: its first line."""
        if b"\x00" in block:
            raise self._fault(row + block.count(b"\n", 0, block.index(b"\x00")))
        if block.isascii():
            return block, []
        if _reads(block, "utf-8") and (self._found != "gb18030" or not self._among(block)):
            self._found = "utf-8"
            return block, []
        if self._declared != MIXED and self._found != "utf-8" and not self._among(block) and _reads(block, "gb18030"):
            self._found = "gb18030"
            return block.decode("gb18030").encode(), []
        return self._by_line(block, row)

    def _by_line(self, block: bytes, row: int) -> tuple[bytes, list[Broken]]:
        lines = block.split(b"\n")
        odd = [n for n, line in enumerate(lines) if not line.isascii()]
        if self._declared != MIXED and not self._found:
            told = sum(_is_chinese(lines[n]) for n in odd)
            self._found = "utf-8" if told * 2 >= len(odd) else "gb18030"
            if not any(_reads(lines[n], self._found) for n in odd):
                raise self._fault(row + odd[0])
        broken = []
        for n in odd:
            line = lines[n]
            this = self._found
            if self._declared == MIXED or this == "gb18030":
                this = "utf-8" if _reads(line, "utf-8") and (this != "gb18030" or _is_chinese(line)) else "gb18030"
            foreign = self._declared != MIXED and this != self._found
            if foreign or not _reads(line, this):
                shown = next((line.decode(e) for e in ("utf-8", "gb18030") if _reads(line, e)), repr(line)[2:-1])
                broken.append(
                    Broken(row + n, shown.strip(), both("features.refused.encoding", main=self._found or "-"))
                )
                lines[n] = b""
            elif this == "gb18030":
                lines[n] = line.decode("gb18030").encode()
                self.repaired += self._declared == MIXED
        return b"\n".join(lines), broken

    @staticmethod
    def _among(block: bytes) -> bool:
        """Whether lines of UTF-8 Chinese stand in the block, more than chance would make of GB18030."""
        odd = [line for line in block.split(b"\n") if not line.isascii()]
        return sum(map(_is_chinese, odd)) * 100 > len(odd)

    def _fault(self, row: int) -> Fault:
        tried = self._declared or "utf-8-sig, gb18030"
        return Fault("features.file.encoding", place=str(self._path), tried=tried, row=row)


def transcoded(chunks: Iterator[bytes], path: Path, declared: str) -> Iterator[bytes]:
    """The chunks in UTF-8 where an encoding is declared or a byte order mark tells one; else as they are."""
    first = next(chunks, b"")
    if not declared or declared == MIXED:
        if first[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            yield first.removeprefix(codecs.BOM_UTF8)
            yield from chunks
            return
        declared = "utf-16"
    rows = 1
    try:
        decoder = codecs.getincrementaldecoder(declared)()
        for chunk in chain((first,), chunks):
            text = decoder.decode(chunk)
            rows += text.count("\n")
            yield text.removeprefix("\ufeff").encode()
        yield decoder.decode(b"", True).encode()
    except (UnicodeDecodeError, LookupError) as wrong:
        if isinstance(wrong, UnicodeDecodeError):
            rows += bytes(wrong.object)[: wrong.start].count(b"\n")
        raise Fault("features.file.encoding", place=str(path), tried=declared, row=rows) from None


def _reads(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(line: bytes) -> bool:
    """Whether the line is UTF-8 and every character beyond ASCII is one that Chinese text uses."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return all(ord(c) < 128 or any(low <= ord(c) <= high for low, high in _CJK) for c in text)
