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
from bisect import bisect_right
from functools import lru_cache

_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_WINDOW = 1 << 15
_MIN_MATCH = 4
_MAX_MATCH = 258
_LOOKAHEAD = _MIN_MATCH + _MAX_MATCH
_BLOCK_TOKENS = 1 << 14
_MAX_STORED = 65535
# Level 6: from a match of `good` on, look at a quarter of the chain only; stop at `nice`; do not look
# for a better one behind a match of `lazy`.
_GOOD, _LAZY, _NICE, _CHAIN = 8, 16, 128, 128
_HASH_FACTOR = 0x1E35A7BD
_HASH_SHIFT = 32 - 17

_END_OF_BLOCK = 256
_LITERAL_CODES = 286
_OFFSET_CODES = 30
# Lengths less 3, and distances less 1, at which each code begins, and how many extra bits it has.
_LENGTH_BASE = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255
)  # fmt: skip
_LENGTH_BITS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
_OFFSET_BASE = (0, 1, 2, 3, *((2 + half) << power for power in range(1, 14) for half in (0, 1)))
_OFFSET_BITS = (0, 0, 0, 0, *(power for power in range(1, 14) for _ in (0, 1)))
_LENGTH_CODE = tuple(bisect_right(_LENGTH_BASE, length) - 1 for length in range(256))
_CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_CODE_LENGTH_EXTRA = {16: 2, 17: 3, 18: 7}

Code = tuple[int, int]
"""A Huffman code with its bits reversed, and its length in bits; (0, 0) for a symbol that does not occur."""


def compress(data: bytes) -> bytes:
    """The data as a gzip file without name and time."""
    trailer = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return _HEADER + deflate(data) + trailer


def deflate(data: bytes) -> bytes:
    """The data as a deflate stream."""
    bits = _BitWriter()
    for tokens, stored in _blocks(data):
        _write_block(bits, tokens, stored)
    bits.write_stored(b"", last=True)
    return bits.finish()


class _BitWriter:
    """Collects bits, the lowest first, into bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._bits = 0
        self._count = 0

    def write(self, value: int, count: int) -> None:
        """Append the lowest ``count`` bits."""
        self._bits |= value << self._count
        self._count += count
        if self._count >= 512:
            self._flush_whole_bytes()

    def write_stored(self, data: bytes, last: bool = False) -> None:
        """A stored block: header, filled up to a byte, length, its complement, the data itself."""
        self.write(1 if last else 0, 3)
        self._count += -self._count % 8
        self.write(len(data) | (len(data) ^ 0xFFFF) << 16, 32)
        self._flush_whole_bytes()
        self._bytes += data

    def finish(self) -> bytes:
        """Everything written, the last byte filled up with zeros."""
        self._count += -self._count % 8
        self._flush_whole_bytes()
        return bytes(self._bytes)

    def _flush_whole_bytes(self) -> None:
        whole = self._count // 8
        self._bytes += (self._bits & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
        self._bits >>= 8 * whole
        self._count -= 8 * whole


def _blocks(data: bytes):
    """The tokens of each block, and the bytes that it stands for (None if Go no longer has them then).

    A token is a literal byte, or a match as ``(length - 3) << 16 | (distance - 1) | 1 << 24``.
    """
    size = len(data)
    head: dict[int, int] = {}
    previous = [0] * _WINDOW
    tokens: list[int] = []
    position = 0
    # Go keeps 64 KiB; when it has worked through them, the first half goes and new data comes in.
    window_start, window_end = 0, min(size, 2 * _WINDOW)
    block_start: int | None = 0
    length, distance = _MIN_MATCH - 1, 0
    pending_literal = False
    last_hashed = size - _MIN_MATCH

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
        candidate = -1
        if position <= last_hashed:
            key = (int.from_bytes(data[position : position + 4], "big") * _HASH_FACTOR & 0xFFFFFFFF) >> _HASH_SHIFT
            candidate = head.get(key, -1)
            previous[position & (_WINDOW - 1)] = candidate
            head[key] = position
        previous_length, previous_distance = length, distance
        length, distance = _MIN_MATCH - 1, 0
        if (
            candidate >= max(window_start, position - _WINDOW)
            and candidate >= 0
            and previous_length < _LAZY
            and ahead > previous_length
        ):
            length, distance = _longest_match(data, previous, position, candidate, ahead, window_start)
        if previous_length >= _MIN_MATCH and length <= previous_length:
            # The match that begins one byte before is no worse: take it.
            tokens.append(1 << 24 | (previous_length - 3) << 16 | (previous_distance - 1))
            end = position + previous_length - 1
            for index in range(position + 1, min(end, last_hashed + 1)):
                key = (int.from_bytes(data[index : index + 4], "big") * _HASH_FACTOR & 0xFFFFFFFF) >> _HASH_SHIFT
                previous[index & (_WINDOW - 1)] = head.get(key, -1)
                head[key] = index
            position = end
            pending_literal = False
            length = _MIN_MATCH - 1
            covered = position
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
    data: bytes, previous: list[int], position: int, candidate: int, ahead: int, window_start: int
) -> tuple[int, int]:
    """Length and distance of the best earlier occurrence of what is at ``position``, along the hash chain."""
    longest = min(ahead, _MAX_MATCH)
    nice = min(longest, _NICE)
    length, distance = _MIN_MATCH - 1, 0
    oldest = position - _WINDOW
    tries = _CHAIN
    wanted = data[position : position + length + 1]
    while tries:
        tries -= 1
        if data.startswith(wanted, candidate):
            found = _common_length(data, candidate, position, len(wanted), longest)
            if found > _MIN_MATCH or position - candidate <= 4096:
                length, distance = found, position - candidate
                if found >= nice:
                    break
                wanted = data[position : position + length + 1]
        if candidate == oldest:
            break
        candidate = previous[candidate & (_WINDOW - 1)]
        if candidate < oldest or candidate < window_start:
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


def _write_block(bits: _BitWriter, tokens: list[int], stored: bytes | None) -> None:
    literal_counts, offset_counts = _count(tokens)
    literals = _used(literal_counts)
    offsets = _used(offset_counts)
    extra_bits = sum(
        count * extra for count, extra in zip(literal_counts[257:], _LENGTH_BITS, strict=True) if extra
    ) + sum(count * extra for count, extra in zip(offset_counts, _OFFSET_BITS, strict=True) if extra)
    storable = stored is not None and len(stored) <= _MAX_STORED
    if not storable:
        extra_bits = 0  # Go adds them only where it compares with a stored block; they count alike for both others.
    if not offsets:
        # A code for one distance is needed even if there is no match.
        offset_counts[0] = 1
        offsets = 1
    literal_codes = _huffman_codes(literal_counts, 15)
    offset_codes = _huffman_codes(offset_counts, 15)
    lengths = [length for _, length in literal_codes[:literals] + offset_codes[:offsets]]
    header = _run_lengths(lengths)
    header_counts = [0] * 19
    for symbol, _ in header:
        header_counts[symbol] += 1
    header_codes = _huffman_codes(header_counts, 7)
    header_symbols = 19
    while header_symbols > 4 and not header_counts[_CODE_LENGTH_ORDER[header_symbols - 1]]:
        header_symbols -= 1

    fixed_literals, fixed_offsets = _fixed_codes()
    fixed_size = 3 + _bit_length(literal_counts, fixed_literals) + _bit_length(offset_counts, fixed_offsets)
    dynamic_size = (
        3 + 5 + 5 + 4 + 3 * header_symbols
        + _bit_length(header_counts, header_codes)
        + sum(header_counts[symbol] * extra for symbol, extra in _CODE_LENGTH_EXTRA.items())
        + _bit_length(literal_counts, literal_codes)
        + _bit_length(offset_counts, offset_codes)
    )  # fmt: skip
    smallest = min(fixed_size, dynamic_size) + extra_bits
    if storable and (len(stored) + 5) * 8 < smallest:
        bits.write_stored(stored)
    elif dynamic_size < fixed_size:
        bits.write(0b100, 3)
        bits.write(literals - 257 | (offsets - 1) << 5 | (header_symbols - 4) << 10, 14)
        for symbol in _CODE_LENGTH_ORDER[:header_symbols]:
            bits.write(header_codes[symbol][1], 3)
        for symbol, extra in header:
            bits.write(*header_codes[symbol])
            if symbol in _CODE_LENGTH_EXTRA:
                bits.write(extra, _CODE_LENGTH_EXTRA[symbol])
        _write_tokens(bits, tokens, literal_codes, offset_codes)
    else:
        bits.write(0b010, 3)
        _write_tokens(bits, tokens, fixed_literals, fixed_offsets)


def _count(tokens: list[int]) -> tuple[list[int], list[int]]:
    """How often each literal and length code, and each distance code, occurs."""
    literal_counts = [0] * _LITERAL_CODES
    offset_counts = [0] * _OFFSET_CODES
    for token in tokens:
        if token < 256:
            literal_counts[token] += 1
        else:
            literal_counts[257 + _LENGTH_CODE[token >> 16 & 255]] += 1
            offset_counts[bisect_right(_OFFSET_BASE, token & 0xFFFF) - 1] += 1
    literal_counts[_END_OF_BLOCK] += 1
    return literal_counts, offset_counts


def _used(counts: list[int]) -> int:
    """How many codes there are up to the last that occurs."""
    return max((index + 1 for index, count in enumerate(counts) if count), default=0)


def _bit_length(counts: list[int], codes: list[Code]) -> int:
    return sum(count * code[1] for count, code in zip(counts, codes, strict=False) if count)


def _write_tokens(bits: _BitWriter, tokens: list[int], literal_codes: list[Code], offset_codes: list[Code]) -> None:
    for token in tokens:
        if token < 256:
            bits.write(*literal_codes[token])
            continue
        length, distance = token >> 16 & 255, token & 0xFFFF
        code = _LENGTH_CODE[length]
        bits.write(*literal_codes[257 + code])
        bits.write(length - _LENGTH_BASE[code], _LENGTH_BITS[code])
        code = bisect_right(_OFFSET_BASE, distance) - 1
        bits.write(*offset_codes[code])
        bits.write(distance - _OFFSET_BASE[code], _OFFSET_BITS[code])
    bits.write(*literal_codes[_END_OF_BLOCK])


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
def _fixed_codes() -> tuple[list[Code], list[Code]]:
    """The codes of RFC 1951, section 3.2.6."""
    literals = (
        [(0x30 + value, 8) for value in range(144)]
        + [(0x190 + value, 9) for value in range(112)]
        + [(value, 7) for value in range(24)]
        + [(0xC0 + value, 8) for value in range(6)]
    )
    return [(_reverse(*code), code[1]) for code in literals], [(_reverse(value, 5), 5) for value in range(30)]


def _huffman_codes(counts: list[int], max_bits: int) -> list[Code]:
    """Codes of at most ``max_bits`` bits that make the text shortest, chosen as Go chooses among equals."""
    codes: list[Code] = [(0, 0)] * len(counts)
    used = sorted((count, symbol) for symbol, count in enumerate(counts) if count)
    if len(used) <= 2:
        for code, symbol in enumerate(sorted(symbol for _, symbol in used)):
            codes[symbol] = (code, 1)
        return codes
    code = 0
    end = len(used)
    for bits, number in enumerate(_bit_counts([count for count, _ in used], max_bits)):
        code <<= 1
        if not number:
            continue
        for symbol in sorted(symbol for _, symbol in used[end - number : end]):
            codes[symbol] = (_reverse(code, bits), bits)
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
    for _ in range(max_bits):
        pairs = [weights[index] + weights[index + 1] for index in range(0, len(weights) - 1, 2)]
        items, weights, symbol, pair = [], [], 0, 0
        while symbol < number or pair < len(pairs):
            is_symbol = pair == len(pairs) or (symbol < number and counts[symbol] < pairs[pair])
            # The two lightest symbols always come first.
            if is_symbol or (symbol < 2 and symbol < number):
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
    result = [0]
    for bits, symbols in enumerate(symbols_in_level):
        following = symbols_in_level[bits + 1] if bits + 1 < len(symbols_in_level) else 0
        result.append(symbols - following)
    return result


def _reverse(code: int, bits: int) -> int:
    return int(f"{code:0{bits}b}"[::-1], 2)
