# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import shlex

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.url import RepoUrl
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("written", "for_git", "server"),
    [
        ("/srv/git/a.git", "file:///srv/git/a.git", ""),
        ("/srv/a b%.git", "file:///srv/a%20b%25.git", ""),
        ("file:///srv/a%20b.git", "file:///srv/a%20b.git", ""),
        ("file://localhost/srv/a", "file:///srv/a", ""),
        ("https://git.example.com/a.git", "https://git.example.com/a.git", "https://git.example.com"),
        ("HTTPS://Git.Example.com:443/A.git", "https://git.example.com/A.git", "https://git.example.com"),
        ("http://git.example.com:8080/a", "http://git.example.com:8080/a", "http://git.example.com:8080"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443"),
        ("https://me@git.example.com/a", "https://git.example.com/a", "https://git.example.com"),
        ("ssh://git.example.com/a", "ssh://git@git.example.com/a", "ssh://git.example.com"),
        ("ssh://me@git.example.com:2222/~/a", "ssh://me@git.example.com:2222/~/a", "ssh://git.example.com:2222"),
        ("git@git.example.com:team/a.git", "git@git.example.com:team/a.git", "ssh://git.example.com"),
        ("git.example.com:a.git", "git@git.example.com:a.git", "ssh://git.example.com"),
        ("git@[::1]:a.git", "git@[::1]:a.git", "ssh://[::1]"),
    ],
)
def test_what_is_taken(written, for_git, server):
    url = RepoUrl.parse(written)
    assert (url.for_git(), url.server) == (for_git, server)
    assert RepoUrl.parse(url.for_git()).for_git() == for_git


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a.git",
        "./a.git",
        "../a.git",
        "-oProxyCommand=x:a",
        "--upload-pack=touch x",
        "--upload-pack=touch:x",
        "ext::sh -c touch% x",
        "ext::sh",
        "fd::17",
        "::x",
        "https://git.example.com",
        "https:///a.git",
        "https://git.example.com:99999/a",
        "https://git.example.com:x/a",
        "https://-git.example.com/a",
        "https://git.example.com/a?token=s3cr3t",
        "https://git.example.com/a#s3cr3t",
        "https://git.example.com/a\nhost=evil.example.com",
        "https://git.example.com/a b",
        "git://git.example.com/a",
        "git+ssh://git.example.com/a",
        "ftp://git.example.com/a",
        "rsync://git.example.com/a",
        "file://elsewhere/srv/a",
        "file://",
        "/",
        "ssh://-oProxyCommand=touch/a",
        "ssh://-oProxyCommand=touch@host/a",
        "ssh://git@host;touch/a",
        "git@host:-oProxyCommand=touch",
        "git@-host:a",
        "git@ho st:a",
        "https://me:s3cr3t@git.example.com/a",
        "https://me:s3cr3t@x@git.example.com/a",
        "https://:s3cr3t@git.example.com/a",
        "https://me:s3cr3t@git.example.com:99999/a",
        "https://me:s3cr3t@git.example.com:s3cr3t/a",
        "https://ghp_s3cr3ts3cr3t@git.example.com/a",
        "https://s3cr3ts3cr3ts3cr3ts3cr3ts3cr3t@git.example.com/a",
        "ssh://me:s3cr3t@git.example.com/a",
    ],
)
def test_what_is_refused(written):
    with pytest.raises(FleetError) as caught:
        RepoUrl.parse(written)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__cause__ is None


def test_a_password_in_the_address_is_refused_with_the_remedy():
    with pytest.raises(FleetError, match="contains a password.* give them as username and password"):
        RepoUrl.parse("https://me:hidden@git.example.com/a")


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_clear_error(text):
    try:
        url = RepoUrl.parse(text)
    except FleetError:
        return
    assert_harmless(url.for_git())


@given(
    st.sampled_from(["https://", "ssh://", "http://", "file://", "git@", "me@", ""]),
    st.text("-o=@:/[]%;$`'\"ab1.~\\", max_size=20),
    st.sampled_from(["/a.git", ":a.git", ""]),
)
def test_addresses_made_to_confuse(start, middle, end):
    try:
        url = RepoUrl.parse(start + middle + end)
    except FleetError:
        return
    assert_harmless(url.for_git())
    for part in (url.host, url.user):
        assert not part.startswith("-")
        if url.scheme == "ssh":
            assert shlex.quote(part.strip("[]")).strip("'") == part.strip("[]")


def assert_harmless(address: str) -> None:
    assert not address.startswith("-")
    assert address.startswith(("file:///", "http://", "https://", "ssh://")) or "@" in address.split(":")[0]
    assert address.isprintable()


@pytest.mark.parametrize(
    ("own", "address", "expected"),
    [
        ("https://host/team/apps.git", "../lib.git", "https://host/team/lib.git"),
        ("https://host/team/apps.git", "./lib", "https://host/team/apps.git/lib"),
        ("https://host/a.git", "../../../../x/lib.git", "https://host/x/lib.git"),
        ("git@host:team/apps.git", "../lib.git", "git@host:team/lib.git"),
        ("ssh://me@host:22/team/apps.git", "../lib.git", "ssh://me@host:22/team/lib.git"),
        ("/srv/git/a.git", "../lib one.git", "file:///srv/git/lib%20one.git"),
        ("https://host/a.git", "https://other/b.git", "https://other/b.git"),
        ("https://host/a.git", "git@other:b.git", "git@other:b.git"),
    ],
)
def test_the_address_of_a_submodule(own, address, expected):
    assert RepoUrl.parse(own).relative(address).for_git() == expected


@pytest.mark.parametrize(
    "address", ["", "ext::sh -c x", "-x", "../\n", "../..", "../../..", "https://me:pw@host/x", "--upload-pack=x"]
)
def test_addresses_of_submodules_that_are_refused(address):
    with pytest.raises(FleetError):
        RepoUrl.parse("git@host:apps.git").relative(address)
