# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gzip in the very bytes that Go's ``compress/gzip`` writes at its default level.

Fleet compresses what is not UTF-8, and everything in a large bundle, and the compressed bytes go into
the content ID. zlib finds other matches than Go does, so its output, though just as valid, would give
other IDs. This follows the algorithm of Go's ``compress/flate`` at level 6: hash chains over four
bytes, lazy matching, blocks of 16,384 tokens, each written with fixed or its own Huffman codes, or
stored, whichever is smallest.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_WINDOW = 1 << 15
_MASK = _WINDOW - 1
_MIN_MATCH = 4
_MAX_MATCH = 258
_LOOKAHEAD = _MIN_MATCH + _MAX_MATCH
_BLOCK_TOKENS = 1 << 14
_MAX_STORED = 65535
# Level 6: stop at a match of `nice`; do not look for a better one behind a match of `lazy`. (`good` has
# no effect: Go compares it with the length that the search begins with.)
_LAZY, _NICE, _CHAIN = 16, 128, 128
_HASH_BITS = 17
_HASH_FACTOR = 0x1E35A7BD

_MATCH = 1 << 24
"""Set in a token that is a match: ``_MATCH | (length - 3) << 16 | (distance - 1)``. Others are literal bytes."""

_END_OF_BLOCK = 256
_LITERAL_CODES = 286
_OFFSET_CODES = 30
# Lengths less 3, and distances less 1, at which each code begins, and how many extra bits it has.
_LENGTH_BASE = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255
)  # fmt: skip
_LENGTH_BITS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
_OFFSET_BASE = (0, 1, 2, 3, *((2 + half) << power for power in range(1, 14) for half in (0, 1)))
_OFFSET_BITS = (0, 0, 0, 0, *(power for power in range(1, 14) for _unused in (0, 1)))
_LENGTH_CODE = tuple(bisect_right(_LENGTH_BASE, length) - 1 for length in range(256))
_CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_CODE_LENGTH_EXTRA = {16: 2, 17: 3, 18: 7}

Codes = list[str]
"""The Huffman code of each symbol as text of 0 and 1, as it stands in the stream; empty if it does not occur."""


def compress(data: bytes) -> bytes:
    """The data as a gzip file without name and time."""
    trailer = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return _HEADER + deflate(data) + trailer


def deflate(data: bytes) -> bytes:
    """The data as a deflate stream."""
    bits = _BitWriter()
    for tokens, original in _blocks(data):
        _write_block(bits, tokens, original)
    bits.write_stored(b"", last=True)
    return bits.finish()


class _BitWriter:
    """Collects bits into bytes; the first bit is the lowest of the first byte."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._pending = ""

    def write(self, text: str) -> None:
        """Append bits, given as text of 0 and 1."""
        text = self._pending + text
        whole = len(text) // 8
        if whole:
            self._bytes += int(text[8 * whole - 1 :: -1], 2).to_bytes(whole, "little")
        self._pending = text[8 * whole :]

    def write_stored(self, data: bytes, last: bool = False) -> None:
        """A stored block: header, filled up to a byte, length, its complement, the data itself."""
        self.write("100" if last else "000")
        self._fill_up()
        self._bytes += len(data).to_bytes(2, "little") + (len(data) ^ 0xFFFF).to_bytes(2, "little") + data

    def finish(self) -> bytes:
        """Everything written, the last byte filled up with zeros."""
        self._fill_up()
        return bytes(self._bytes)

    def _fill_up(self) -> None:
        self.write("0" * (-len(self._pending) % 8))


def _number(value: int, bits: int) -> str:
    """A number as bits, the lowest first."""
    return f"{value:0{bits}b}"[::-1] if bits else ""


def _hashes(data: bytes) -> array:
    """Go's hash of the four bytes at each place."""
    shift = 32 - _HASH_BITS
    return array(
        "I",
        (
            ((first << 24 | second << 16 | third << 8 | fourth) * _HASH_FACTOR & 0xFFFFFFFF) >> shift
            for first, second, third, fourth in zip(data, data[1:], data[2:], data[3:], strict=False)
        ),
    )


def _blocks(data: bytes) -> Iterator[tuple[list[int], bytes | None]]:
    """The tokens of each block, and the bytes that it stands for (None if Go no longer has them then)."""
    size = len(data)
    hashes = _hashes(data)
    last_hashed = len(hashes)
    head = array("i", [-1]) * (1 << _HASH_BITS)
    previous = array("i", [-1]) * _WINDOW
    tokens: list[int] = []
    position = 0
    # Go keeps 64 KiB; when it has worked through them, the first half goes and new data comes in.
    window_start, window_end = 0, min(size, 2 * _WINDOW)
    block_start: int | None = 0
    length, distance = _MIN_MATCH - 1, 0
    pending_literal = False

    while True:
        ahead = window_end - position
        if ahead < _LOOKAHEAD:
            if window_end < size:
                window_start += _WINDOW
                window_end = min(size, window_start + 2 * _WINDOW)
                if block_start is not None and block_start < window_start:
                    block_start = None
                continue
            if not ahead:
                break
        previous_length, previous_distance = length, distance
        length, distance = _MIN_MATCH - 1, 0
        if position < last_hashed:
            key = hashes[position]
            candidate = head[key]
            previous[position & _MASK] = candidate
            head[key] = position
            if previous_length < _LAZY and ahead > previous_length:
                oldest = max(window_start, position - _WINDOW)
                if candidate >= oldest:
                    longest = min(ahead, _MAX_MATCH)
                    length, distance = _longest_match(data, previous, position, candidate, longest, oldest)
        if previous_length >= _MIN_MATCH and length <= previous_length:
            # The match that begins one byte before is no worse: take it.
            tokens.append(_MATCH | (previous_length - 3) << 16 | (previous_distance - 1))
            end = position + previous_length - 1
            for index in range(position + 1, min(end, last_hashed)):
                key = hashes[index]
                previous[index & _MASK] = head[key]
                head[key] = index
            position = covered = end
            pending_literal = False
            length = _MIN_MATCH - 1
        else:
            if pending_literal:
                tokens.append(data[position - 1])
            covered = position
            position += 1
            pending_literal = True
        if len(tokens) == _BLOCK_TOKENS:
            yield tokens, None if block_start is None else data[block_start:covered]
            block_start = covered
            tokens = []
    if pending_literal:
        tokens.append(data[position - 1])
    if tokens:
        yield tokens, None if block_start is None else data[block_start:position]


def _longest_match(
    data: bytes, previous: array, position: int, candidate: int, longest: int, oldest: int
) -> tuple[int, int]:
    """Length and distance of the best earlier occurrence of what is at ``position``, along the hash chain."""
    nice = min(longest, _NICE)
    length, distance = _MIN_MATCH - 1, 0
    wanted = data[position : position + length + 1]
    beyond = position - _WINDOW
    for _unused in range(_CHAIN):
        if data.startswith(wanted, candidate):
            found = _common_length(data, candidate, position, len(wanted), longest)
            if found > _MIN_MATCH or position - candidate <= 4096:
                length, distance = found, position - candidate
                if found >= nice:
                    break
                wanted = data[position : position + length + 1]
        if candidate == beyond:
            break
        candidate = previous[candidate & _MASK]
        if candidate < oldest:
            break
    return length, distance


def _common_length(data: bytes, first: int, second: int, known: int, longest: int) -> int:
    """How many bytes are equal from both places on, ``known`` of which are known to be."""
    step = 16
    while known < longest:
        end = min(known + step, longest)
        if data[first + known : first + end] == data[second + known : second + end]:
            known = end
            step *= 2
            continue
        while data[first + known] == data[second + known]:
            known += 1
        break
    return known


def _write_block(bits: _BitWriter, tokens: list[int], original: bytes | None) -> None:
    literal_counts, offset_counts = _count(tokens)
    extra_bits = _extra_bits(literal_counts, offset_counts)
    literals = _used(literal_counts)
    if not _used(offset_counts):
        # A code for one distance is needed even if there is no match.
        offset_counts[0] = 1
    offsets = _used(offset_counts)
    literal_codes, offset_codes = _huffman_codes(literal_counts, 15), _huffman_codes(offset_counts, 15)
    header = _dynamic_header(literal_codes[:literals], offset_codes[:offsets])
    fixed_literals, fixed_offsets = _fixed_codes()
    fixed_size = 3 + _bit_length(literal_counts, fixed_literals) + _bit_length(offset_counts, fixed_offsets)
    dynamic_size = len(header) + _bit_length(literal_counts, literal_codes) + _bit_length(offset_counts, offset_codes)
    smallest = min(fixed_size, dynamic_size) + extra_bits
    if original is not None and len(original) <= _MAX_STORED and (len(original) + 5) * 8 < smallest:
        bits.write_stored(original)
    elif dynamic_size < fixed_size:
        bits.write(header + _body(tokens, literal_codes, offset_codes))
    else:
        bits.write("010" + _body(tokens, fixed_literals, fixed_offsets))


def _count(tokens: list[int]) -> tuple[list[int], list[int]]:
    """How often each literal and length code, and each distance code, occurs."""
    literal_counts = [0] * _LITERAL_CODES
    offset_counts = [0] * _OFFSET_CODES
    for token in tokens:
        if token < _MATCH:
            literal_counts[token] += 1
        else:
            literal_counts[257 + _LENGTH_CODE[token >> 16 & 255]] += 1
            offset_counts[bisect_right(_OFFSET_BASE, token & 0xFFFF) - 1] += 1
    literal_counts[_END_OF_BLOCK] += 1
    return literal_counts, offset_counts


def _extra_bits(literal_counts: list[int], offset_counts: list[int]) -> int:
    return sum(
        count * extra
        for counts, extras in ((literal_counts[257:], _LENGTH_BITS), (offset_counts, _OFFSET_BITS))
        for count, extra in zip(counts, extras, strict=True)
    )


def _used(counts: list[int]) -> int:
    """How many codes there are up to the last that occurs."""
    return max((index + 1 for index, count in enumerate(counts) if count), default=0)


def _bit_length(counts: list[int], codes: Codes) -> int:
    return sum(count * len(code) for count, code in zip(counts, codes, strict=True))


def _body(tokens: list[int], literal_codes: Codes, offset_codes: Codes) -> str:
    """The tokens and the end of the block as bits."""
    pieces = []
    for token in tokens:
        if token < _MATCH:
            pieces.append(literal_codes[token])
            continue
        length, distance = token >> 16 & 255, token & 0xFFFF
        length_code, offset_code = _LENGTH_CODE[length], bisect_right(_OFFSET_BASE, distance) - 1
        pieces.append(literal_codes[257 + length_code])
        pieces.append(_number(length - _LENGTH_BASE[length_code], _LENGTH_BITS[length_code]))
        pieces.append(offset_codes[offset_code])
        pieces.append(_number(distance - _OFFSET_BASE[offset_code], _OFFSET_BITS[offset_code]))
    pieces.append(literal_codes[_END_OF_BLOCK])
    return "".join(pieces)


def _dynamic_header(literal_codes: Codes, offset_codes: Codes) -> str:
    """The header of a block with Huffman codes of its own (RFC 1951, section 3.2.7)."""
    lengths = [len(code) for code in literal_codes + offset_codes]
    symbols = _run_lengths(lengths)
    counts = [0] * 19
    for symbol, _unused in symbols:
        counts[symbol] += 1
    codes = _huffman_codes(counts, 7)
    written = 19
    while written > 4 and not counts[_CODE_LENGTH_ORDER[written - 1]]:
        written -= 1
    return "".join(
        (
            "001",
            _number(len(literal_codes) - 257, 5),
            _number(len(offset_codes) - 1, 5),
            _number(written - 4, 4),
            *(_number(len(codes[symbol]), 3) for symbol in _CODE_LENGTH_ORDER[:written]),
            *(codes[symbol] + _number(extra, _CODE_LENGTH_EXTRA.get(symbol, 0)) for symbol, extra in symbols),
        )
    )


def _run_lengths(lengths: list[int]) -> list[tuple[int, int]]:
    """Code lengths as symbols of RFC 1951, section 3.2.7, with the value of their extra bits."""
    result: list[tuple[int, int]] = []
    start = 0
    while start < len(lengths):
        length = lengths[start]
        end = start
        while end < len(lengths) and lengths[end] == length:
            end += 1
        count = end - start
        start = end
        if length:
            result.append((length, 0))
            count -= 1
            while count >= 3:
                run = min(count, 6)
                result.append((16, run - 3))
                count -= run
        else:
            while count >= 11:
                run = min(count, 138)
                result.append((18, run - 11))
                count -= run
            if count >= 3:
                result.append((17, count - 3))
                count = 0
        result.extend([(length, 0)] * count)
    return result


@lru_cache(maxsize=1)
def _fixed_codes() -> tuple[Codes, Codes]:
    """The codes of RFC 1951, section 3.2.6."""
    literals = (
        [f"{0x30 + value:08b}" for value in range(144)]
        + [f"{0x190 + value:09b}" for value in range(112)]
        + [f"{value:07b}" for value in range(24)]
        + [f"{0xC0 + value:08b}" for value in range(6)]
    )
    return literals, [f"{value:05b}" for value in range(30)]


def _huffman_codes(counts: list[int], max_bits: int) -> Codes:
    """Codes of at most ``max_bits`` bits that make the text shortest, chosen as Go chooses among equals."""
    codes = [""] * len(counts)
    used = sorted((count, symbol) for symbol, count in enumerate(counts) if count)
    if len(used) <= 2:
        for code, symbol in enumerate(sorted(symbol for _unused, symbol in used)):
            codes[symbol] = str(code)
        return codes
    code = 0
    end = len(used)
    for bits, number in enumerate(_bit_counts([count for count, _unused in used], max_bits)):
        code <<= 1
        for symbol in sorted(symbol for _unused, symbol in used[end - number : end]):
            codes[symbol] = f"{code:0{bits}b}"
            code += 1
        end -= number
    return codes


def _bit_counts(counts: list[int], max_bits: int) -> list[int]:
    """How many symbols get a code of 0, 1, 2, … bits; ``counts`` are sorted. (Package-merge.)

    Each level holds the items of one code length: single symbols and pairs of the level below,
    merged in order of weight, a pair first where both weigh the same. The first 2n - 2 items of the
    last level are taken; a symbol's code is as long as the number of levels that it is taken in.
    """
    number = len(counts)
    max_bits = min(max_bits, number - 1)
    levels: list[list[int]] = []  # For each level its items: 1 for a symbol, 0 for a pair.
    weights: list[int] = []
    for _unused in range(max_bits):
        pairs = [weights[index] + weights[index + 1] for index in range(0, len(weights) - 1, 2)]
        items, weights, symbol, pair = [], [], 0, 0
        while symbol < number or pair < len(pairs):
            # The two lightest symbols always come first.
            if symbol < 2 or pair == len(pairs) or (symbol < number and counts[symbol] < pairs[pair]):
                items.append(1)
                weights.append(counts[symbol])
                symbol += 1
            else:
                items.append(0)
                weights.append(pairs[pair])
                pair += 1
        levels.append(items)
    taken = 2 * number - 2
    symbols_in_level = []
    for items in reversed(levels):
        symbols = sum(items[:taken])
        symbols_in_level.append(symbols)
        taken = 2 * (min(taken, len(items)) - symbols)
    # Symbols taken in a level and not in the next shorter one.
    return [0, *(here - after for here, after in zip(symbols_in_level, [*symbols_in_level[1:], 0], strict=True))]
