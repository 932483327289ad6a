# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gzip in Go's bytes. The digests are of what Go 1.26 writes."""

import gzip
import hashlib
import random

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_gzip import compress
from hypothesis import given
from hypothesis import strategies as st


def words(seed, count, alphabet):
    choice = random.Random(seed)
    return b" ".join(bytes(choice.choice(alphabet) for _ in range(choice.randrange(1, 9))) for _ in range(count))


def random_bytes(seed, length):
    choice = random.Random(seed)
    return bytes(choice.randrange(256) for _ in range(length))


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "30e6fa98fb48c2b132824d1ac5e2243c0be9e9082ff32598d34d7687ca7f6c7f"),
        (b"a", "f1a7c8e8de042bc4fa970708757b62042de31814df7516c674d1379535f4ec21"),
        (b"kind: ConfigMap\n", "8fdcbf84cb320b50dd04d4da9f345e71a026042365c6a10776388353572cb8d4"),
        (b"x" * 1000, "3b0198a731a3eee07ce325b24cd72b061ba8e8279466e9a5a7d77ce79308d4cc"),
        (bytes(range(256)), "552d9dd4dae17683d2281caf7a5a381d067650c93436ab17afce0275179227ad"),
        (words(1, 300, b"abcdefgh"), "0a64afbfab596a4f742bf33065ad6fbc7ce86a320af6799ace255d70b0657c0e"),
        (words(2, 6000, b"ab\n"), "db2039e5211534e51d0ad4ffa3d4e949658e01a4191c2fc931727bd1809d17d5"),
        (random_bytes(3, 3000), "f7d0962322bce30cc5b34385ea7da7d21409308c5b7e119778b6fedfd9919671"),
        # Longer than Go's window: what slid out of it cannot be matched any more.
        (
            b"abcd" * 20000 + random_bytes(4, 500) + b"abcd" * 5000,
            "cb057e44b55a7f2fe86578a00950fc36dc0b477ad23620afdaad109335ca0ce3",
        ),
    ],
    ids=["empty", "one", "short", "run", "all", "words", "blocks", "random", "window"],
)
def test_bytes_are_gos(data, digest):
    assert hashlib.sha256(compress(data)).hexdigest() == digest


@given(st.binary(max_size=2000) | st.text(alphabet="ab\n", max_size=3000).map(str.encode))
def test_data_comes_back(data):
    assert gzip.decompress(compress(data)) == data
