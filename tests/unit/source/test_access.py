# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.source.access import ssh_proxy
from ansible_collections.gitops.fleet.plugins.module_utils.source.url import RepoUrl


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://one:1", "HTTP_PROXY": "http://two:2"}, "http://one:1"),
        ({"http_proxy": "two:2"}, "http://two:2"),
        ({"HTTPS_PROXY": "http://one:1", "NO_PROXY": "example.com"}, ""),
        ({"HTTPS_PROXY": "http://one:1", "NO_PROXY": "git.example.com:443"}, "http://one:1"),
        ({"ALL_PROXY": "http://one:1"}, ""),
    ],
)
def test_the_proxy_for_ssh(environ, expected):
    for address in ("git@git.example.com:team/apps.git", "ssh://git@git.example.com/team/apps.git"):
        assert ssh_proxy(RepoUrl.parse(address), environ) == expected


def test_an_ssh_server_on_this_machine_needs_no_proxy():
    assert ssh_proxy(RepoUrl.parse("ssh://127.0.0.1:2222/a.git"), {"HTTPS_PROXY": "http://one:1"}) == ""
