"""Fingerprints of values and rows: what tells an unchanged row from a corrected one, and what evidence refers to.

A fingerprint guards against accident, not against a forger: the case trail has a cryptographic chain of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Marks = npt.NDArray[np.uint64]

_ITEM = "\x1e"
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_BYTE = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16).astype(np.uint32)
_HEX = (_BYTE[None, :] | (_BYTE[:, None] << np.uint32(16))).reshape(-1)
"""Four digits of two bytes, by the number that they are."""
_BLOCK = 1 << 13
"""Rows worked on at a time: what lies between two steps then stays in the processor's nearest caches."""


def row_hashes(rows: pa.Table) -> pa.Array:
    """One fingerprint of 128 bits per row, as 32 hexadecimal digits, over the names and values that are not null.

    A column that is null adds nothing, so a contract that gains an optional column keeps older fingerprints.
    """
    return hashed({name: marks(rows[name]) for name in rows.column_names}, rows)


def hashed(marked: dict[str, Marks], rows: pa.Table) -> pa.Array:
    """`row_hashes` where the marks of every column are known already."""
    told = [
        (
            marked[name],
            ~_mask(pc.is_null(rows[name])) if rows[name].null_count else None,
            _seed(name, 0),
            _seed(name, 1),
        )
        for name in marked
        if rows[name].null_count < rows.num_rows
    ]
    lanes = np.zeros((rows.num_rows, 2), np.uint64)
    for start in range(0, rows.num_rows, _BLOCK):
        here = slice(start, start + _BLOCK)
        sums = np.zeros((2, len(lanes[here])), np.uint64)
        for own, there, *seeds in told:
            for lane, seed in enumerate(seeds):
                mixed = _mixed(own[here] ^ seed)
                sums[lane] += mixed if there is None else np.where(there[here], mixed, np.uint64(0))
        lanes[here] = sums.T
    digits = _HEX[lanes.byteswap().view(np.uint16)]
    offsets = pa.py_buffer(np.arange(0, 32 * (rows.num_rows + 1), 32, dtype=np.int32))
    return pa.StringArray.from_buffers(rows.num_rows, offsets, pa.py_buffer(np.ascontiguousarray(digits)))


def marks(values: pa.ChunkedArray | pa.Array) -> Marks:
    """64-bit marks of the values of one column: equal values, equal marks; null has none of its own.

    Different values share a mark about once in n²/2⁶⁵ for n values, so equal marks are a suspicion, not a proof.
    Multiply-and-shift over eight bytes at a time, with a constant of MurmurHash3 (A. Appleby, public domain).
    """
    kind = values.type
    if values.null_count == len(values):
        return np.zeros(len(values), np.uint64)
    if pa.types.is_list(kind):
        return _text_marks(_whole(pc.binary_join(values, _ITEM)))
    if pa.types.is_decimal(kind):
        return _decimal_marks(_whole(values))
    if pa.types.is_floating(kind):
        # Adding zero turns -0.0 into 0.0, which is the same value.
        return _mixed((pc.fill_null(values, 0.0).to_numpy() + 0.0).view(np.uint64))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return _mixed(_numbers(values))
    if pa.types.is_timestamp(kind) or pa.types.is_date64(kind):
        return _mixed(_numbers(values.cast(pa.int64())))
    if pa.types.is_date(kind):
        return _mixed(_numbers(values.cast(pa.int32())))
    return _text_marks(_whole(values))


def joint(columns: Iterable[Marks]) -> Marks:
    """Marks of what stands side by side in several columns."""
    told: Marks | None = None
    for one in columns:
        told = one if told is None else _mixed((told * _ODD) ^ one)
    assert told is not None
    return told


def _numbers(values: pa.ChunkedArray) -> Marks:
    told: Marks = pc.fill_null(values.cast(pa.int64()), 0).to_numpy().astype(np.int64).view(np.uint64)
    return told


def _decimal_marks(values: pa.Array) -> Marks:
    held = values.buffers()[1]
    if len(values) == 0:
        return np.zeros(0, np.uint64)
    words = np.frombuffer(held, np.uint64)[2 * values.offset : 2 * (values.offset + len(values))].reshape(-1, 2)
    told = _mixed(words[:, 0] ^ (words[:, 1] * _ODD))
    return np.where(_mask(pc.is_null(values)), np.uint64(0), told) if values.null_count else told


def _text_marks(texts: pa.Array) -> Marks:
    texts = texts.cast(pa.string())
    texts = pc.fill_null(texts, "") if texts.null_count else texts
    if len(texts) == 0:
        return np.zeros(0, np.uint64)
    _, places, held = texts.buffers()
    offsets = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    base = int(offsets[0])
    size = int(offsets[-1]) - base
    padded = np.zeros(size + 8, np.uint8)
    if size:
        padded[:size] = np.frombuffer(held, np.uint8)[base : base + size]
    starts, lengths = offsets[:-1] - base, np.diff(offsets)
    length = int(lengths[0])
    if length and (lengths == length).all():
        return _even_marks(padded, length, len(texts))
    words: Marks = np.ndarray((size + 1,), np.dtype("<u8"), padded, strides=(1,))
    told = lengths.astype(np.uint64) * _ODD
    at: npt.NDArray[np.int64] | slice = slice(None) if lengths.min() > 0 else np.flatnonzero(lengths)
    for done in range(0, int(lengths.max()), 8):
        if done and lengths.min() <= done:
            at = np.flatnonzero(lengths > done)
        left = np.minimum(lengths[at] - done, 8).astype(np.uint64)
        told[at] = _mixed(told[at] ^ (words[starts[at] + done] << ((np.uint64(8) - left) * np.uint64(8))))
    return told


def _even_marks(padded: npt.NDArray[np.uint8], length: int, rows: int) -> Marks:
    """The same of texts that are all of one length, as most identifiers are: no place has to be looked up."""
    told = np.full(rows, length, np.uint64) * _ODD
    for start in range(0, rows, _BLOCK):
        own = told[start : start + _BLOCK]
        for done in range(0, length, 8):
            at, left = start * length + done, min(length - done, 8)
            words: Marks = np.ndarray(own.shape, np.dtype("<u8"), padded, at, (length,))
            own[:] = _mixed(own ^ (words << np.uint64(8 * (8 - left))))
    return told


def _whole(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks or [pa.array([], values.type)])


def _mixed(values: Marks) -> Marks:
    told: Marks = values * _MIX
    shifted = told >> np.uint64(33)
    told ^= shifted
    told *= _ODD
    np.right_shift(told, np.uint64(29), out=shifted)
    told ^= shifted
    return told


def _seed(name: str, lane: int) -> np.uint64:
    told = blake2b(name.encode(), digest_size=8, salt=bytes([lane])).digest()
    return np.uint64(int.from_bytes(told, "little"))


def _mask(flags: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = _whole(flags).to_numpy(zero_copy_only=False)
    return mask
