# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import base64
import subprocess

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.url import RepoUrl

HTTP = RepoUrl.parse("https://git.example.com/a")
SSH = RepoUrl.parse("git@git.example.com:a")
FILE = RepoUrl.parse("/srv/a")
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
HOSTS = "git.example.com ssh-ed25519 AAAA\n"


def test_secrets_are_never_shown():
    credentials = Credentials("s3cr3t-user", "s3cr3t", "s3cr3t-key", "hosts")
    assert "s3cr3t" not in f"{credentials} {credentials!r}"


def test_secrets_are_taken_out_of_texts_in_every_form_that_goes_over_the_wire():
    credentials = Credentials("me", "s3cr3t pass", KEY)
    basic = base64.b64encode(b"me:s3cr3t pass").decode()
    for text in ("no s3cr3t pass here", f"Authorization: Basic {basic}", f"key {KEY}"):
        assert "***" in credentials.redact(text)
        assert credentials.redact(text).count("s3cr3t") == 0
    assert Credentials().redact("plain") == "plain"


@pytest.mark.parametrize(
    ("credentials", "url", "expected"),
    [
        (Credentials(username="me"), HTTP, "no password"),
        (Credentials(password="a\nb"), HTTP, "line break"),
        (Credentials("me\nhost=evil", "x"), HTTP, "line break"),
        (Credentials("me", "x\0"), HTTP, "line break"),
        (Credentials(ssh_private_key=KEY, known_hosts=HOSTS), HTTP, "reached by https"),
        (Credentials("me", "x"), SSH, "reached by ssh|no private key"),
        (Credentials("me", "x", KEY, HOSTS), SSH, "reached by ssh"),
        (Credentials("me", "x"), FILE, "reached by file"),
        (Credentials(), SSH, "no private key is given"),
        (Credentials(ssh_private_key=KEY), SSH, "known_hosts is not given.*ssh-keyscan"),
        (Credentials(ssh_private_key="ssh-ed25519 AAAA me", known_hosts=HOSTS), SSH, "is not a private key"),
        (
            Credentials(ssh_private_key="-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n", known_hosts=HOSTS),
            SSH,
            "passphrase",
        ),
    ],
)
def test_what_does_not_fit_is_refused(credentials, url, expected):
    with pytest.raises(FleetError, match=expected):
        credentials.check(url)


@pytest.mark.parametrize(
    ("credentials", "url"),
    [
        (Credentials(), HTTP),
        (Credentials("me", "x"), HTTP),
        (Credentials(password="token"), HTTP),
        (Credentials(ssh_private_key=KEY, known_hosts=HOSTS), SSH),
        (Credentials(), FILE),
        (Credentials(known_hosts=HOSTS), HTTP),
    ],
)
def test_what_fits(credentials, url):
    credentials.check(url)


@pytest.mark.parametrize(
    "format_options", [["-t", "ed25519"], ["-m", "PEM", "-t", "ecdsa"], ["-m", "PKCS8", "-t", "ecdsa"]]
)
@pytest.mark.parametrize("passphrase", ["", "words"])
def test_real_keys_with_and_without_a_passphrase(tmp_path, format_options, passphrase):
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *format_options], check=True)
    credentials = Credentials(ssh_private_key=path.read_text(), known_hosts=HOSTS)
    if passphrase:
        with pytest.raises(FleetError, match="passphrase"):
            credentials.check(SSH)
    else:
        credentials.check(SSH)


def test_who_logs_in():
    with_user = RepoUrl.parse("https://me@git.example.com/a")
    assert Credentials("you", "x").login(with_user) == ("you", "x")
    assert Credentials(password="x").login(with_user) == ("me", "x")
    assert Credentials(password="token").login(HTTP) == ("token", "")
    assert Credentials().login(HTTP) is None
