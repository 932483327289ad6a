#!/usr/bin/python
# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_gitrepo
short_description: Fetch a git repository and build its bundles
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Fetches the wanted commit of a git repository, finds the bundles in it by Rancher Fleet's rules, reads their
    C(fleet.yaml) and resources, and writes them to a file that M(gitops.fleet.fleet_deploy) deploys.
  - Nothing is deployed, and no cluster is needed.
  - The repository is kept as a bare mirror in the cache directory, one for each address. A run makes one fetch, of the
    wanted commit only. Runs at the same time do not disturb each other. A tree that did not change is not read again.
  - Nothing of the repository is ever checked out or run. Its hooks, filters and git settings do nothing, and neither do
    the git and ssh settings, keys and agent of the user who runs the task.
  - Submodules are fetched too, at their commit, as in Fleet. Credentials are sent to those of the same server as
    O(repo) only, and only a repository that is a directory itself may have others as submodules.
  - Secrets are kept from arguments, addresses, logs and the cache. While git runs, they are in files of mode 0600 in a
    directory of mode 0700, in memory where the system has C(/dev/shm).
options:
  engine:
    description:
      - Who deploys the bundles. V(push) is this collection, from the control node.
    type: str
    choices:
      - push
    default: push
  name:
    description:
      - Name of the GitRepo. The names of its bundles begin with it.
    type: str
    required: true
  workspace:
    description:
      - The workspace, which is the namespace of a Fleet manager that the GitRepo and its clusters belong to.
    type: str
    default: fleet-default
  repo:
    description:
      - Address of the git repository, as C(https://host/path), C(http://host/path), C(ssh://user@host/path),
        C(user@host:path), C(file:///path) or an absolute path.
      - An address with a password in it is refused. Use O(username) and O(password).
      - The variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) of the environment are honoured for C(http) and
        C(https).
    type: str
    required: true
  branch:
    description:
      - The branch to follow.
      - Without O(branch) and O(revision), it is C(master), as in Fleet.
      - When O(revision) is set too, Fleet deploys the content of the branch under the revision's commit. So does this
        module, with a warning.
    type: str
  revision:
    description:
      - The tag or the commit (all 40 digits) to deploy. A branch does not go here.
    type: str
  paths:
    description:
      - Directories of the repository to look for bundles in. They may have wildcards, such as C(apps/*).
      - Without it, the whole repository is searched.
    type: list
    elements: str
    default: []
  bundles:
    description:
      - Directories that are bundles, in place of O(paths). Nothing is searched.
    type: list
    elements: dict
    default: []
    suboptions:
      base:
        description:
          - Directory of the bundle.
        type: str
        required: true
      options:
        description:
          - File with the options of the bundle, relative to O(bundles[].base), in the format of C(fleet.yaml).
          - Without it, C(fleet.yaml) or C(fleet.yml) in O(bundles[].base) is read, if there is one.
        type: str
  targets:
    description:
      - Which clusters to deploy to, as a list of Fleet's GitTargets, in Fleet's own spelling. Each has C(name) and any
        of C(clusterName), C(clusterSelector), C(clusterGroup) and C(clusterGroupSelector).
      - Without it, the cluster group C(default) is the target.
    type: list
    elements: dict
    default: []
  target_namespace:
    description:
      - Namespace that all resources are put into. Resources that belong to no namespace are then an error.
    type: str
  service_account:
    description:
      - Service account of the clusters to deploy as.
    type: str
  keep_resources:
    description:
      - Whether the resources stay on the clusters when their bundle is gone.
    type: bool
    default: false
  delete_namespace:
    description:
      - Whether the namespace O(target_namespace) is deleted with the GitRepo.
    type: bool
    default: false
  correct_drift:
    description:
      - Whether and how drift is corrected. Has the keys C(enabled), C(force) and C(keepFailHistory), all of them
        booleans.
    type: dict
  paused:
    description:
      - Whether the clusters are left as they are.
    type: bool
    default: false
  force_sync_generation:
    description:
      - Another number than before deploys everything again.
    type: int
    default: 0
  labels:
    description:
      - Labels of the GitRepo, which its bundles get too.
    type: dict
    default: {}
  username:
    description:
      - User to log in as, for C(http) and C(https). Needs O(password).
    type: str
  password:
    description:
      - Password or access token, for C(http) and C(https).
      - Without O(username) it is sent as the user name, as Fleet does, unless the address has a user name.
      - It is sent to the server that O(repo) names and to no other, even if that one redirects.
    type: str
  ssh_private_key:
    description:
      - Private key, as text, for C(ssh). It cannot have a passphrase.
    type: str
  ssh_private_key_file:
    description:
      - File with the private key.
    type: path
  known_hosts:
    description:
      - Keys of the ssh server, as text in the format of the file C(known_hosts). A server whose key is not there is
        refused, so that C(ssh) needs this option or O(known_hosts_file).
    type: str
  known_hosts_file:
    description:
      - File with the keys of the ssh server.
    type: path
  ca_bundle:
    description:
      - Certificates in PEM format of authorities to trust for C(https), besides those that the system trusts.
    type: str
  insecure_skip_tls_verify:
    description:
      - Whether the certificate of an C(https) server is not checked at all. Then anybody on the way can read the
        password and change what is deployed.
    type: bool
    default: false
  timeout:
    description:
      - Seconds that fetching may take in all. A server that does not take the connection within 15 seconds, or is
        silent for 60, is given up before.
    type: int
    default: 300
  cache_dir:
    description:
      - Directory for mirrors and built bundles.
      - By default C(gitops.fleet) in the user's cache directory.
    type: path
extends_documentation_fragment:
  - gitops.fleet.attributes
  - gitops.fleet.attributes.info_module
  - gitops.fleet.attributes.actiongroup_fleet
attributes:
  platform:
    support: full
    platforms: posix
requirements:
  - git 2.32 or later
  - GitPython (Python library) 3.1.41 or later
  - PyYAML (Python library)
  - ssh (OpenSSH), for repositories that are reached by it
notes:
  - Let the task run on the control node (C(delegate_to=localhost)) and once for all clusters (C(run_once=true)).
seealso:
  - module: gitops.fleet.fleet_bundle
  - module: gitops.fleet.fleet_deploy
  - name: Fleet's GitRepo
    description: The custom resource whose fields these are.
    link: https://fleet.rancher.io/ref-gitrepo
"""

EXAMPLES = r"""
- name: Build the bundles of a public repository
  gitops.fleet.fleet_gitrepo:
    name: apps
    repo: https://git.example.com/team/apps.git
    branch: main
    paths:
      - apps/*
    targets:
      - name: prod
        clusterSelector:
          matchLabels:
            env: prod
  run_once: true
  delegate_to: localhost
  register: apps

- name: Show what was built
  ansible.builtin.debug:
    msg: "{{ apps.bundles | map(attribute='name') | join(', ') }} of commit {{ apps.commit }}"

- name: Build a release of a private repository, with an access token
  gitops.fleet.fleet_gitrepo:
    name: apps
    repo: https://git.example.com/team/apps.git
    revision: v1.4.0
    username: deploy
    password: "{{ vault_git_token }}"
    ca_bundle: "{{ lookup('ansible.builtin.file', '/etc/pki/company-ca.pem') }}"
  run_once: true
  delegate_to: localhost

- name: Build from a repository that is reached by ssh
  gitops.fleet.fleet_gitrepo:
    name: apps
    repo: git@git.example.com:team/apps.git
    branch: main
    ssh_private_key: "{{ vault_deploy_key }}"
    known_hosts: "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJkVxn5Dz0jFcYyuPD0dGP2DNqGfxKW9eOF2+8fpkDrH"
  run_once: true
  delegate_to: localhost

- name: Build two bundles of one directory with different options
  gitops.fleet.fleet_gitrepo:
    name: shop
    repo: /srv/git/shop.git
    branch: main
    bundles:
      - base: chart
        options: europe.yaml
      - base: chart
        options: asia.yaml
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
commit:
  description: The commit that was built.
  returned: success
  type: str
  sample: c5be345cc217feab38654a152f03e21714546c6d
bundles:
  description: The bundles, sorted by name. At most 2,000 of them, all of them are in RV(build).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the bundle.
      type: str
      sample: apps-raw
    path:
      description: Directory of the bundle in the repository.
      type: str
      sample: raw
    content_id:
      description: Fleet's ID of the bundle's resources. The same resources have the same ID.
      type: str
      sample: s-1addecfcc17804527e03f6972114a5a51ae5530d903dc6361bc7004b76aff
    resources:
      description: Number of resources.
      type: int
      sample: 2
    targets:
      description: Number of targets, those of C(fleet.yaml) included.
      type: int
      sample: 1
bundle_count:
  description: Number of bundles.
  returned: success
  type: int
  sample: 4
build:
  description: File with the built bundles, for O(gitops.fleet.fleet_deploy#module:builds).
  returned: success
  type: str
  sample: /home/me/.cache/gitops.fleet/builds/8b74cb94554d96cf4f59c2323e36c8105d41ad42f3673e1dddea3add31832023.json
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import build_gitrepo
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory, cache_directory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo

MOST_BUNDLES_SHOWN = 2000
"""So that a result stays well under the 700,000 characters that AWX keeps of it."""


def argument_spec() -> dict:
    return {
        "engine": {"type": "str", "choices": ["push"], "default": "push"},
        "name": {"type": "str", "required": True},
        "workspace": {"type": "str", "default": "fleet-default"},
        "repo": {"type": "str", "required": True},
        "branch": {"type": "str"},
        "revision": {"type": "str"},
        "paths": {"type": "list", "elements": "str", "default": []},
        "bundles": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"base": {"type": "str", "required": True}, "options": {"type": "str"}},
        },
        "targets": {"type": "list", "elements": "dict", "default": []},
        "target_namespace": {"type": "str"},
        "service_account": {"type": "str"},
        "keep_resources": {"type": "bool", "default": False},
        "delete_namespace": {"type": "bool", "default": False},
        "correct_drift": {"type": "dict"},
        "paused": {"type": "bool", "default": False},
        "force_sync_generation": {"type": "int", "default": 0},
        "labels": {"type": "dict", "default": {}},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "ssh_private_key": {"type": "str", "no_log": True},
        "ssh_private_key_file": {"type": "path", "no_log": False},
        "known_hosts": {"type": "str"},
        "known_hosts_file": {"type": "path"},
        "ca_bundle": {"type": "str"},
        "insecure_skip_tls_verify": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 300},
        "cache_dir": {"type": "path"},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[
            ("ssh_private_key", "ssh_private_key_file"),
            ("known_hosts", "known_hosts_file"),
            ("paths", "bundles"),
        ],
        required_by={"username": "password"},
        supports_check_mode=True,
    )
    message = ""
    try:
        result = build(module)
    except FleetError as error:
        message = str(error)
    else:
        module.exit_json(changed=False, **result)
    # Outside of the handler, where Ansible would add a traceback with -vvv.
    module.fail_json(msg=message)


def build(module: AnsibleModule) -> dict:
    """The module's result. Raises FleetError."""
    gitrepo = gitrepo_of(module.params)
    cache = cache_directory(module.params["cache_dir"])
    with RunDirectory() as run:
        fetched = fetch(gitrepo, credentials_of(module.params), cache, run, timeout=module.params["timeout"])
        for warning in fetched.warnings:
            module.warn(warning)
        with fetched.tree:
            built, path = build_gitrepo(gitrepo, fetched, cache)
    return {
        "commit": built.commit,
        "bundles": [
            {
                "name": bundle.name,
                "path": bundle.path,
                "content_id": content_id(bundle),
                "resources": len(bundle.spec.get("resources") or []),
                "targets": len(bundle.spec.get("targets") or []),
            }
            for bundle in built.bundles[:MOST_BUNDLES_SHOWN]
        ],
        "bundle_count": len(built.bundles),
        "build": str(path),
    }


def gitrepo_of(params: dict) -> GitRepo:
    return GitRepo(
        name=params["name"],
        namespace=params["workspace"],
        repo=params["repo"],
        branch=params["branch"] or "",
        revision=params["revision"] or "",
        paths=params["paths"],
        bundles=[{key: value for key, value in bundle.items() if value} for bundle in params["bundles"]],
        targets=params["targets"],
        target_namespace=params["target_namespace"] or "",
        service_account=params["service_account"] or "",
        keep_resources=params["keep_resources"],
        delete_namespace=params["delete_namespace"],
        correct_drift=params["correct_drift"],
        paused=params["paused"],
        force_sync_generation=params["force_sync_generation"],
        labels={key: str(value) for key, value in params["labels"].items()},
        insecure_skip_tls_verify=params["insecure_skip_tls_verify"],
        ca_bundle=params["ca_bundle"] or "",
    )


def credentials_of(params: dict) -> Credentials:
    return Credentials(
        username=params["username"] or "",
        password=params["password"] or "",
        ssh_private_key=params["ssh_private_key"] or read_option_file(params, "ssh_private_key_file"),
        known_hosts=params["known_hosts"] or read_option_file(params, "known_hosts_file"),
    )


def read_option_file(params: dict, option: str) -> str:
    """The text of the file that an option names; '' without it. Raises FleetError."""
    if not params[option]:
        return ""
    try:
        return Path(params[option]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise FleetError(f"{option} cannot be read: {reason}", place=params[option]) from None


if __name__ == "__main__":
    main()
