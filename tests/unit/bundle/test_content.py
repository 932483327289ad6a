# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources, their encodings, and content IDs."""

import base64
import gzip

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import (
    content_id,
    content_id_of,
    content_json,
    decode_resource,
    encode_resource,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(max_size=300), st.booleans())
def test_a_resource_comes_back(data, compressed):
    assert decode_resource(encode_resource("a", data, compressed)) == data


def test_text_stays_text_and_the_rest_is_compressed():
    assert encode_resource("a", "é".encode()) == {"name": "a", "content": "é"}
    assert encode_resource("a", b"") == {"name": "a"}
    binary = encode_resource("a", b"\xff")
    assert binary["encoding"] == "base64+gz"
    assert binary["content"].startswith("H4sIAAAAAAAA/")


def test_empty_files_are_compressed_too_when_asked():
    assert decode_resource(encode_resource("a", b"", compress=True)) == b""


@pytest.mark.parametrize(
    "resource",
    [
        {"name": "a", "content": "x", "encoding": "base64+gz"},
        {"name": "a", "content": "eA==", "encoding": "base64+gz"},
        {"name": "a", "content": "eA==", "encoding": "rot13"},
        {"name": "a", "content": base64.b64encode(gzip.compress(b"x" * 100)[:-12]).decode(), "encoding": "base64+gz"},
    ],
)
def test_a_broken_encoding_is_an_error(resource):
    with pytest.raises(FleetError, match="a: the resource cannot be decoded"):
        decode_resource(resource)


def test_plain_base64_is_read():
    assert decode_resource({"content": "eA==", "encoding": "base64"}) == b"x"


def test_content_json_is_gos():
    resources = [{"content": "<a>", "name": "b"}, {"name": "empty"}]
    assert content_json(resources) == b'{"resources":[{"name":"b","content":"\\u003ca\\u003e"},{"name":"empty"}]}\n'
    assert content_json([]) == b"{}\n"


def test_content_id():
    resources = [{"name": "a", "content": "b"}]
    expected = "s-6580290030ab2d2e90fed367cd652ae5edcb9496d3f5fdf85f4872144e35c"
    assert content_id_of(resources) == expected
    assert content_id(Bundle("x", "fleet-default", {"resources": resources})) == expected
