# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a request goes through: Go's rules, so that our client and Helm take the same way.

The rules are those of ``golang.org/x/net/http/httpproxy``. The Python libraries have rules of their
own, which differ (CIDR ranges, loopback, a kubeconfig's proxy-url against NO_PROXY).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit


def proxy_for(server: str, proxy_url: str, environ: Mapping[str, str]) -> str:
    """The URL of the proxy for ``server``, or "" for none. A kubeconfig's ``proxy_url`` always wins."""
    if proxy_url:
        return proxy_url
    address = urlsplit(server)
    configured = _variable(environ, f"{address.scheme}_proxy")
    if not configured or _is_direct(address, _variable(environ, "no_proxy")):
        return ""
    return configured if "://" in configured else f"http://{configured}"


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _is_direct(address: SplitResult, no_proxy: str) -> bool:
    host = (address.hostname or "").rstrip(".")
    port = address.port or (443 if address.scheme == "https" else 80)
    ip = _ip(host)
    if host == "localhost" or (ip is not None and ip.is_loopback):
        return True
    return any(_matches(rule.strip().lower(), host, port, ip) for rule in no_proxy.split(","))


def _matches(rule: str, host: str, port: int, ip: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if not rule:
        return False
    if rule == "*":
        return True
    if "/" in rule:
        try:
            return ip is not None and ip in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    rule, rule_port = _split_port(rule)
    if rule_port and rule_port != str(port):
        return False
    rule_ip = _ip(rule)
    if rule_ip is not None or ip is not None:
        return rule_ip == ip
    if rule.startswith("*."):
        rule = rule[1:]
    if rule.startswith("."):
        return host.endswith(rule)
    return host == rule or host.endswith(f".{rule}")


def _split_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        host, _bracket, port = rule[1:].partition("]")
        return host, port.lstrip(":")
    if rule.count(":") == 1:
        host, _colon, port = rule.partition(":")
        return host, port
    return rule, ""


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
