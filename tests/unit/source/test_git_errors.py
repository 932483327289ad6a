# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts as git, libcurl (with OpenSSL and GnuTLS), ssh and well-known servers write them."""

import re

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git_errors import explain, unknown
from ansible_collections.gitops.fleet.plugins.module_utils.source.url import RepoUrl
from hypothesis import given
from hypothesis import strategies as st

URL = RepoUrl.parse("https://git.example.com/team/a.git")
ACCESS = "fatal: unable to access 'https://git.example.com/team/a.git/': "
CREDENTIALS = Credentials("me", "s3cr3t")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ACCESS}Could not resolve host: git.example.com", "the name git.example.com"),
        ("ssh: Could not resolve hostname git.example.com: Name or service not known", "the name git.example.com"),
        (f"{ACCESS}Failed to connect to git.example.com port 443 after 2 ms: Couldn't connect", "cannot be reached"),
        ("ssh: connect to host git.example.com port 22: Connection refused", "cannot be reached"),
        ("ssh: connect to host git.example.com port 22: No route to host", "cannot be reached"),
        ("ssh: connect to host git.example.com port 22: Connection timed out", "did not answer in time"),
        (
            f"{ACCESS}Operation too slow. Less than 1 bytes/sec for 60 seconds",
            "did not answer in time",
        ),
        ("fatal: Authentication failed for 'https://git.example.com/team/a.git/'", "does not accept the user name"),
        (
            "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://git.example.com/a.git/'",
            "does not accept the user name",
        ),
        (
            "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
            "wants a user name and password",
        ),
        (f"{ACCESS}The requested URL returned error: 403", "refuses access \\(403\\)"),
        (f"{ACCESS}The requested URL returned error: 502", "an error of its own"),
        (f"{ACCESS}CONNECT tunnel failed, response 403", "the proxy refuses"),
        (f"{ACCESS}Received HTTP code 407 from proxy after CONNECT", "the proxy refuses"),
        ("remote: Repository not found.\nfatal: repository 'https://git.example.com/a.git/' not found", "no git repo"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "no git repository"),
        ("fatal: '/srv/a' does not appear to be a git repository\nfatal: Could not read from", "no git repository"),
        (
            "No ED25519 host key is known for git.example.com and you have requested strict checking.\r\n"
            "Host key verification failed.\r\nfatal: Could not read from remote repository.",
            "is not in known_hosts",
        ),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n",
            "not the one in known_hosts",
        ),
        ("git@git.example.com: Permission denied (publickey).", "does not accept the ssh key"),
        (
            'Load key "/dev/shm/gitops-fleet-x/key": error in libcrypto\ngit@git.example.com: Permission denied '
            "(publickey).",
            "cannot read ssh_private_key",
        ),
        ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", "ssh is not found"),
        (f"{ACCESS}SSL certificate problem: unable to get local issuer certificate", "unknown authority"),
        (f"{ACCESS}SSL certificate problem: self-signed certificate in certificate chain", "unknown authority"),
        (f"{ACCESS}SSL certificate problem: certificate has expired", "not valid at this time"),
        (f"{ACCESS}server certificate verification failed. CAfile: /x CRLfile: none", "unknown authority"),
        (
            f"{ACCESS}SSL: no alternative certificate subject name matches target host name 'git.example.com'",
            "made out to another name",
        ),
        (f"{ACCESS}gnutls_handshake() failed: An unexpected TLS packet was received.", "no TLS connection"),
        (f"{ACCESS}error:0A00010B:SSL routines::wrong version number", "no TLS connection"),
        ("fatal: transport 'http' not allowed", "redirects to an address that is not taken"),
        (
            "fatal: write error: No space left on device\nfatal: index-pack failed",
            "cache directory is full",
        ),
        ("error: unable to create temporary file: Read-only file system", "cannot be written"),
        ("fatal: detected dubious ownership in repository at '/srv/a.git'", "belongs to another user"),
        ("fatal: mismatched algorithms: client sha1; server sha256", "SHA-256"),
        ("error: RPC failed; curl 18 transfer closed\nfatal: early EOF", "broke off the connection"),
        ("GitLab: The project is gone.\nfatal: Could not read from remote repository.", "it said: GitLab: The project"),
    ],
)
def test_known_failures(text, expected):
    error = explain(text, URL, CREDENTIALS)
    assert error is not None
    assert error.remedy
    assert re.search(expected, error.problem)


def test_a_repository_in_the_file_system_has_no_host():
    error = explain("fatal: '/srv/a' does not appear to be a git repository", RepoUrl.parse("/srv/a"), CREDENTIALS)
    assert "no git repository at this address" in str(error)


def test_what_nobody_knows_is_quoted_without_secrets_and_control_characters():
    assert explain("fatal: the moon is full", URL, CREDENTIALS) is None
    error = unknown("\x1b[31mremote: your password s3cr3t\x1b[0m\x07\nfatal: the moon\r\n\n", CREDENTIALS)
    assert str(error) == "git failed: remote: your password ***; fatal: the moon"
    assert str(unknown("remote: s3\x1b[0mcr3t", CREDENTIALS)) == "git failed: remote: ***"
    assert "it said nothing" in str(unknown("", CREDENTIALS))
    assert len(str(unknown("x" * 10_000, CREDENTIALS))) < 600


@given(st.text())
def test_any_output_is_survived_and_made_printable(text):
    for error in (explain(text, URL, CREDENTIALS), unknown(text, CREDENTIALS)):
        if error is not None:
            assert "\x1b" not in str(error)
            assert "\n" not in str(error)
