# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how charts are loaded which a bundle's directory does not hold."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  dependency_update:
    description:
      - What to do about a chart whose dependencies are not in its C(charts/) directory.
      - V(auto) loads them, as Fleet does, with a warning. Nothing is written into the repository or directory. The
        versions are those of C(Chart.lock), if there is one that fits C(Chart.yaml), else the newest that
        C(Chart.yaml) allows.
      - V(never) fails, and names the chart, the dependencies and the command that puts them into C(charts/).
      - V(always) loads them even if C(charts/) or C(Chart.lock) has them, in the newest versions that C(Chart.yaml)
        allows.
      - Bundles with C(disableDependencyUpdate) in the C(helm) options of their C(fleet.yaml) are left as they are.
    type: str
    choices:
      - auto
      - never
      - always
    default: auto
  helm_credentials:
    description:
      - How charts are fetched from chart repositories, OCI registries, archives and git, with the content of the
        Secret that C(helmSecretName) of a GitRepo names.
      - The login is sent only to addresses that O(helm_repo_url_regex) matches.
    type: dict
    suboptions:
      username:
        description:
          - User to log in as. Needs O(helm_credentials.password).
        type: str
      password:
        description:
          - Password or access token.
        type: str
      ca_bundle:
        description:
          - Certificates in PEM format of authorities to trust, besides those that the system trusts.
        type: str
      insecure_skip_tls_verify:
        description:
          - Whether the certificates of servers are not checked at all. Then anybody on the way can read the password
            and change the charts.
        type: bool
        default: false
      basic_http:
        description:
          - Whether OCI registries are reached by C(http).
        type: bool
        default: false
      ssh_private_key:
        description:
          - Private key, as text, for charts in git that are reached by C(ssh). It cannot have a passphrase.
        type: str
      known_hosts:
        description:
          - Keys of the ssh servers, as text in the format of the file C(known_hosts).
        type: str
  helm_repo_url_regex:
    description:
      - Regular expression for the addresses that the login is sent to. It has to match from the beginning of
        C(helm.repo), or of C(helm.chart) where there is no C(helm.repo).
      - Without it, the login is sent nowhere.
      - An archive on another server than the repository that names it, and the repositories of dependencies, get the
        login only if it matches their addresses too. After a redirect to another server it is never sent.
    type: str
requirements:
  - helm 4, or 3.17 or later, for charts of OCI registries and for missing dependencies
"""
