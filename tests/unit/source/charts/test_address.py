# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of charts."""

import base64
from contextlib import suppress

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.address import ChartAddress, parse, shown
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("oci://r.example.com/web", ChartAddress("oci", "oci://r.example.com/web")),
        ("https://h/a.tgz", ChartAddress("http", "https://h/a.tgz")),
        ("http::https://h/a.tgz", ChartAddress("http", "https://h/a.tgz")),
        ("https://h/a.tgz//sub/dir?x=1", ChartAddress("http", "https://h/a.tgz?x=1", "sub/dir")),
        (
            "https://h/get?archive=TGZ&t=a%2Bb&checksum=sha256:ABCD",
            ChartAddress("http", "https://h/get?t=a%2Bb", checksum=("sha256", "abcd"), archive=".tgz"),
        ),
        ("git::https://h/r.git//c/web?ref=v1&depth=2", ChartAddress("git", "https://h/r.git", "c/web", ref="v1")),
        ("git::https://h/r.git?token=a&ref=v1", ChartAddress("git", "https://h/r.git?token=a", ref="v1")),
        ("git@h:o/r.git//web", ChartAddress("git", "ssh://git@h/o/r.git", "web")),
        ("git::me@h:/o/r", ChartAddress("git", "ssh://me@h/o/r")),
        ("ssh::git@h:o/r", ChartAddress("git", "ssh://git@h/o/r")),
        ("ssh://git@h/o/r", ChartAddress("git", "ssh://git@h/o/r")),
        ("github.com/o/r/charts/web?ref=x", ChartAddress("git", "https://github.com/o/r.git", "charts/web", ref="x")),
        ("gitlab.com/o/r.git", ChartAddress("git", "https://gitlab.com/o/r.git")),
        ("bitbucket.org/o/r//web", ChartAddress("git", "https://bitbucket.org/o/r.git", "web")),
        ("charts/web", ChartAddress("local", "charts/web")),
        ("web", ChartAddress("local", "web")),
        ("s3::https://h/a", ChartAddress("local", "s3::https://h/a")),
    ],
)
def test_forms(source, address):
    assert parse(source) == address


def test_a_key_in_the_address_is_read_and_never_shown():
    key = "-----BEGIN KEY-----\n??>>\n"
    for encoded in (
        base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
        base64.b64encode(key.encode()).decode(),
    ):
        address = parse(f"git::ssh://git@h/r?sshkey={encoded}")
        assert address.ssh_private_key == key
        assert encoded not in address.shown


@pytest.mark.parametrize(
    "source",
    [
        "https://h/a.tgz?checksum=abcd",
        "https://h/a.tgz?checksum=file:https://h/sums",
        "https://h/a.tgz?checksum=sha256:xyz",
        "git::https://h/r?depth=0",
        "git::https://h/r?depth=many",
        "git::ssh://h/r?sshkey=***",
        "github.com/o",
        "https://[h/a.tgz",
    ],
)
def test_what_is_refused(source):
    with pytest.raises(FleetError):
        parse(source)


def test_what_is_shown():
    assert shown("https://me:secret@h/a?token=secret#x") == "https://***@h/a"


@given(st.text("htps:/@.?#&=%[]gi ocabr\n\0é", max_size=40))
def test_any_text_is_answered(source):
    with suppress(FleetError):
        assert parse(source).kind in ("local", "http", "git", "oci")
