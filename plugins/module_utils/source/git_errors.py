# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From git's error output to an error that says what is wrong and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import FleetError
from .credentials import Credentials
from .url import FILE, RepoUrl

_LONGEST_QUOTE = 500
_CONTROL_CHARACTERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\t\x20-\x7e\xa0-\uffff]")


@dataclass(frozen=True)
class _Rule:
    """A known failure: what git (or libcurl, or ssh) writes, the problem, the remedy.

    The problem may use {host}, and {said} for what git and the server wrote.
    """

    pattern: str
    problem: str
    remedy: str


_CHECK_NETWORK = "Check the address, firewalls and proxy settings (HTTPS_PROXY, NO_PROXY)."

# In this order: the first one that is found anywhere in the output holds.
_RULES = [
    _Rule(
        r"No space left on device|Disk quota exceeded",
        "the disk of the cache directory is full",
        "Make room there, or name another directory with cache_dir.",
    ),
    _Rule(
        r"Read-only file system|insufficient permission for adding an object|unable to create temporary file",
        "the cache directory cannot be written",
        "Make it writable, or name another directory with cache_dir.",
    ),
    _Rule(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the ssh key of {host} is not the one in known_hosts: the server was changed, or somebody pretends to be it",
        "Ask the server's owner for its new key, and only then replace the line in known_hosts.",
    ),
    _Rule(
        r"Host key verification failed|host key is known for",
        "the ssh key of {host} is not in known_hosts",
        "Add a line for it: 'ssh-keyscan HOST' (-p PORT for another port) prints it; compare its fingerprint with the "
        "one that the server's owner publishes.",
    ),
    _Rule(
        r"Load key .*(error in libcrypto|invalid format|incorrect passphrase|bad permissions)",
        "ssh cannot read ssh_private_key",
        "Check that the key is complete, with all its lines, and has no passphrase.",
    ),
    _Rule(
        r"Permission denied \(|Too many authentication failures",
        "{host} does not accept the ssh key",
        "Check that its public half is registered there, as a deploy key of this repository, and the user in the "
        "address.",
    ),
    _Rule(
        r"cannot run ssh|ssh: (command )?not found",
        "ssh is not found",
        "Install an OpenSSH client on the machine that runs this task.",
    ),
    _Rule(
        r"Unable to find remote helper|'remote-https?' is not a git command",
        "git was installed without support for http",
        "Install git's package for it (on some systems it is a package of its own).",
    ),
    _Rule(
        r"Could not resolve (host|hostname|proxy)|Name or service not known|Temporary failure in name resolution",
        "the name {host} (or that of a proxy) is not known",
        "Check the host in the address of the repository, and the DNS of the machine that runs this task.",
    ),
    _Rule(
        r"Failed to connect to|Couldn't connect to server|Connection refused|No route to host|Network is unreachable",
        "{host} cannot be reached",
        _CHECK_NETWORK,
    ),
    _Rule(
        r"Operation too slow|timed out|Timeout was reached|Connection to .* timed out",
        "{host} did not answer in time",
        _CHECK_NETWORK,
    ),
    _Rule(
        r"Authentication failed|requested URL returned error: 401",
        "{host} does not accept the user name and password (or access token)",
        "Check username and password: most servers take an access token as password, and it may have expired.",
    ),
    _Rule(
        r"could not read (Username|Password) for",
        "{host} wants a user name and password, and none is given",
        "Give username and password (or access token). A server may also ask for them where there is no such "
        "repository.",
    ),
    _Rule(
        r"requested URL returned error: 403",
        "{host} refuses access (403)",
        "Check that the user or access token may read this repository.",
    ),
    _Rule(
        r"requested URL returned error: 407|CONNECT tunnel failed|Proxy CONNECT aborted|HTTP code 407 from proxy",
        "the proxy refuses the connection to {host}",
        "Check HTTPS_PROXY or HTTP_PROXY, and NO_PROXY, on the machine that runs this task.",
    ),
    _Rule(
        r"requested URL returned error: 5\d\d",
        "{host} has an error of its own (5xx)",
        "Try again later, or look at the server's log.",
    ),
    _Rule(
        r"dubious ownership",
        "the repository belongs to another user, and git does not trust it",
        "Run this task as its owner, or serve the repository by http or ssh.",
    ),
    _Rule(
        r"repository .* not found|Repository not found|requested URL returned error: (404|410)"
        r"|does not appear to be a git repository|not a git repository|is this a git repository",
        "there is no git repository at this address, or it is hidden from this user",
        "Check the path in the address, and the user's rights.",
    ),
    _Rule(
        r"certificate.*(has expired|not yet valid)|expired certificate",
        "the TLS certificate of {host} is not valid at this time",
        "Renew it on the server, or set the clock of the machine that runs this task.",
    ),
    _Rule(
        r"no alternative certificate subject name|does not match target host|mismatch, certificate is not valid for",
        "the TLS certificate of {host} is made out to another name",
        "Use the name that the certificate has in the address of the repository.",
    ),
    _Rule(
        r"SSL certificate problem|(certificate|server) verification failed|unable to get local issuer",
        "the TLS certificate of {host} is signed by an unknown authority",
        "Give the authority's certificate (PEM) as ca_bundle.",
    ),
    _Rule(
        r"gnutls_handshake|SSL_connect|SSL routines|wrong version number|TLS connect error",
        "no TLS connection can be made with {host}",
        "Check that the port in the address speaks https.",
    ),
    _Rule(
        r"transport '.*' not allowed|Protocol .* (not supported|disabled)|unable to update url base from redirection",
        "{host} redirects to an address that is not taken",
        "Write the address at which the repository really is.",
    ),
    _Rule(
        r"mismatched algorithms|unknown object format",
        "the repository uses SHA-256 object names, which cannot be fetched",
        "Use a repository with SHA-1 object names, as Fleet does.",
    ),
    _Rule(
        r"hung up unexpectedly|early EOF|unexpected disconnect|Empty reply|RPC failed|transfer closed"
        r"|Connection reset|Broken pipe|Recv failure|Connection closed by|non-properly terminated",
        "{host} broke off the connection",
        "Try again; if it happens again, look at the server's log.",
    ),
    _Rule(
        r"Could not read from remote repository",
        "{host} does not give this repository; it said: {said}",
        "Check the path in the address, and the rights of the ssh key.",
    ),
]


def explain(errors: str, url: RepoUrl, credentials: Credentials) -> FleetError | None:
    """The error for git's stderr, or None where it is none that is known."""
    for rule in _RULES:
        if re.search(rule.pattern, errors, re.IGNORECASE):
            host = "the repository" if url.scheme == FILE else url.host
            said = _quote(errors, credentials)
            return FleetError(rule.problem.format(host=host, said=said), remedy=rule.remedy)
    return None


def unknown(errors: str, credentials: Credentials) -> FleetError:
    """The error for a failure that is none of the known ones: git's own last words, safe to show."""
    return FleetError(f"git failed: {_quote(errors, credentials) or 'it said nothing'}")


def _quote(errors: str, credentials: Credentials) -> str:
    """The last lines of git's output, without secrets and without anything that would change a terminal."""
    lines = [_CONTROL_CHARACTERS.sub("", line).strip() for line in errors.splitlines()]
    return credentials.redact("; ".join(line for line in lines if line))[-_LONGEST_QUOTE:]
