# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.kube.proxy import proxy_for

SERVER = "https://api.example.com:6443"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, ""),
        ({"HTTPS_PROXY": "http://upper", "https_proxy": "http://lower"}, "http://upper"),
    ],
)
def test_proxy_variables(environ, expected):
    assert proxy_for(SERVER, "", environ) == expected


@pytest.mark.parametrize(
    ("no_proxy", "server", "direct"),
    [
        ("", SERVER, False),
        ("*", SERVER, True),
        ("example.com", SERVER, True),
        (".example.com", SERVER, True),
        ("*.example.com", SERVER, True),
        ("api.example.com", SERVER, True),
        (".api.example.com", SERVER, False),
        ("pi.example.com", SERVER, False),
        ("a, API.example.com", SERVER, True),
        ("api.example.com:6443", SERVER, True),
        ("api.example.com:443", SERVER, False),
        ("10.0.0.0/8", "https://10.1.2.3:6443", True),
        ("10.0.0.0/8", "https://11.1.2.3:6443", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3:443", "https://10.1.2.3", True),
        ("fd00::/8", "https://[fd00::1]:6443", True),
        ("[fd00::1]:6443", "https://[fd00::1]:6443", True),
        ("", "https://127.0.0.1:6443", True),
        ("", "https://[::1]:6443", True),
        ("", "https://localhost:6443", True),
        ("10.0.0.0/99,x:y:z", SERVER, False),
    ],
)
def test_no_proxy_by_the_rules_of_go(no_proxy, server, direct):
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    assert proxy_for(server, "", environ) == ("" if direct else "http://proxy:3128")


def test_the_kubeconfig_has_the_last_word():
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}
    assert proxy_for("https://127.0.0.1", "socks5://own:1080", environ) == "socks5://own:1080"
