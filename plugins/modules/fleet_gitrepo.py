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
  name: &name
    description:
      - Name of the GitRepo. The names of its bundles begin with it.
    type: str
  workspace: &workspace
    description:
      - The workspace, which is the namespace of a Fleet manager that the GitRepo and its clusters belong to.
    type: str
    default: fleet-default
  repo: &repo
    description:
      - Address of the git repository, as C(https://host/path), C(http://host/path), C(ssh://user@host/path),
        C(user@host:path), C(file:///path) or an absolute path.
      - An address with a password in it is refused. Use O(username) and O(password).
      - The variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) of the environment are honoured for C(http),
        C(https), and for C(ssh), which goes through an HTTP proxy by C(CONNECT).
    type: str
  branch: &branch
    description:
      - The branch to follow.
      - Without O(branch) and O(revision), it is C(master), as in Fleet.
      - When O(revision) is set too, Fleet deploys the content of the branch under the revision's commit. So does this
        module, with a warning.
    type: str
  revision: &revision
    description:
      - The tag or the commit (all 40 digits) to deploy. A branch does not go here.
    type: str
  paths: &paths
    description:
      - Directories of the repository to look for bundles in. They may have wildcards, such as C(apps/*).
      - Without it, the whole repository is searched.
    type: list
    elements: str
    default: []
  bundles: &bundles
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
  targets: &targets
    description:
      - Which clusters to deploy to, as a list of Fleet's GitTargets, in Fleet's own spelling. Each has C(name) and any
        of C(clusterName), C(clusterSelector), C(clusterGroup) and C(clusterGroupSelector).
      - Without it, the cluster group C(default) is the target.
    type: list
    elements: dict
    default: []
  target_namespace: &target_namespace
    description:
      - Namespace that all resources are put into. Resources that belong to no namespace are then an error.
    type: str
  service_account: &service_account
    description:
      - Service account of the clusters to deploy as.
    type: str
  keep_resources: &keep_resources
    description:
      - Whether the resources stay on the clusters when their bundle is gone.
    type: bool
    default: false
  delete_namespace: &delete_namespace
    description:
      - Whether the namespace O(target_namespace) is deleted with the GitRepo.
    type: bool
    default: false
  correct_drift: &correct_drift
    description:
      - Whether and how drift is corrected. Has the keys C(enabled), C(force) and C(keepFailHistory), all of them
        booleans.
    type: dict
  paused: &paused
    description:
      - Whether the clusters are left as they are.
    type: bool
    default: false
  force_sync_generation: &force_sync_generation
    description:
      - Another number than before deploys everything again.
    type: int
    default: 0
  labels: &labels
    description:
      - Labels of the GitRepo, which its bundles get too.
    type: dict
    default: {}
  username: &username
    description:
      - User to log in as, for C(http) and C(https). Needs O(password) or O(password_file).
    type: str
  password: &password
    description:
      - Password or access token, for C(http) and C(https).
      - Without O(username) it is sent as the user name, as Fleet does, unless the address has a user name.
      - It is sent to the server that O(repo) names and to no other, even if that one redirects.
    type: str
  password_file: &password_file
    description:
      - File with the password or access token.
    type: path
  ssh_private_key: &ssh_private_key
    description:
      - Private key, as text, for C(ssh). It cannot have a passphrase.
    type: str
  ssh_private_key_file: &ssh_private_key_file
    description:
      - File with the private key.
    type: path
  known_hosts: &known_hosts
    description:
      - Keys of the ssh server, as text in the format of the file C(known_hosts). A server whose key is not there is
        refused, so that C(ssh) needs this option or O(known_hosts_file).
    type: str
  known_hosts_file: &known_hosts_file
    description:
      - File with the keys of the ssh server.
    type: path
  insecure_skip_host_key_checks: &insecure_skip_host_key_checks
    description:
      - Whether any ssh server is taken for the right one where O(known_hosts) is not given. Then anybody on the way can
        change what is deployed.
    type: bool
    default: false
  github_app_id: &github_app_id
    description:
      - Number of a GitHub App to log in as, for C(https). Its installation's token is asked for in each run that
        fetches.
    type: str
  github_app_installation_id: &github_app_installation_id
    description:
      - Number of the App's installation.
    type: str
  github_app_private_key: &github_app_private_key
    description:
      - Private key of the App, as text in PEM format.
    type: str
  github_app_private_key_file: &github_app_private_key_file
    description:
      - File with the private key of the App.
    type: path
  github_api_url: &github_api_url
    description:
      - Address of GitHub's API, such as C(https://github.example.com/api/v3) for a GitHub Enterprise Server.
      - By default C(https://api.HOST), where C(HOST) is that of O(repo), as in Fleet.
    type: str
  client_secret_name: &client_secret_name
    description:
      - Secret to log in with, as in Fleet. It is of type C(kubernetes.io/basic-auth), or C(kubernetes.io/ssh-auth) with
        a key C(known_hosts), or has the keys C(github_app_id), C(github_app_installation_id) and
        C(github_app_private_key).
      - It is read from the cluster that O(secrets_from) names. Without any credentials, the Secret C(gitcredential) of
        that cluster is taken if it is there, as in Fleet.
      - Where it has no C(known_hosts), those of the ConfigMap C(known-hosts) in C(cattle-fleet-system) are taken.
    type: str
  helm_secret_name: &helm_secret_name
    description:
      - Secret with credentials for charts, as in Fleet, with any of the keys C(username), C(password), C(cacerts),
        C(ssh-privatekey), C(insecureSkipVerify) and C(basicHTTP). It is read from the cluster that O(secrets_from)
        names.
    type: str
  helm_secret_name_for_paths: &helm_secret_name_for_paths
    description:
      - Secret with credentials for the charts of some paths, as in Fleet, under the key C(secrets-path.yaml). Where it
        is named, O(helm_secret_name) is not read.
    type: str
  helm_repo_url_regex: &helm_repo_url_regex
    description:
      - Regular expression for the addresses that credentials for charts are sent to. Without it they are sent nowhere,
        as in Fleet. It has to match from the beginning of C(helm.repo), or of C(helm.chart) where there is no
        C(helm.repo), as it is written.
      - An archive on another server than the repository that names it, and the repositories of dependencies, get the
        login only if it matches their addresses too. After a redirect to another server it is never sent.
    type: str
  secrets_from: &secrets_from
    description:
      - The cluster that holds the Secrets. Only get on those Secrets is needed there.
    type: dict
    suboptions:
      kubeconfig:
        description:
          - File with the kubeconfig that reaches the cluster, on the control node.
        type: path
        required: true
      context:
        description:
          - Context of the kubeconfig.
          - By default its current context.
        type: str
        default: ""
      namespace:
        description:
          - Namespace of the Secrets.
          - By default O(workspace).
        type: str
  disable_polling: &disable_polling
    description:
      - Whether Fleet looks at the repository only when a webhook tells it to. For Fleet's own engine, as are the other
        options about polling, webhooks, image scans and OCI storage. They are kept with the build.
    type: bool
    default: false
  polling_interval: &polling_interval
    description:
      - How often Fleet looks at the repository, such as C(5m).
    type: str
  webhook_secret: &webhook_secret
    description:
      - Secret that webhooks are checked with.
    type: str
  image_scan_interval: &image_scan_interval
    description:
      - How often Fleet looks for new images, such as C(15m).
    type: str
  image_scan_commit: &image_scan_commit
    description:
      - How Fleet commits new images. Has the keys C(authorName), C(authorEmail) and C(messageTemplate).
    type: dict
  oci_registry_secret: &oci_registry_secret
    description:
      - Secret of the OCI registry that Fleet keeps bundles in.
    type: str
  ca_bundle: &ca_bundle
    description:
      - Certificates in PEM format of authorities to trust for C(https), besides those that the system trusts.
    type: str
  insecure_skip_tls_verify: &insecure_skip_tls_verify
    description:
      - Whether the certificate of an C(https) server is not checked at all. Then anybody on the way can read the
        password and change what is deployed.
    type: bool
    default: false
  helm_credentials_for_paths:
    description:
      - Credentials for the charts of some bundles, with the content of the Secret that C(helmSecretNameForPaths) of a
        GitRepo names. If it is set, O(helm_credentials) is not used, and bundles of other paths have no credentials.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Directory of the bundle, as O(paths) spells it, or a pattern for such directories. The directory itself
            comes first, then the first pattern in the order of their letters.
        type: str
        required: true
      username:
        description:
          - User to log in as. Needs O(helm_credentials_for_paths[].password).
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
  timeout: &timeout
    description:
      - Seconds that fetching may take in all. A server that does not take the connection within 15 seconds, or is
        silent for 60, is given up before.
    type: int
    default: 300
  gitrepos:
    description:
      - Many GitRepos in one call, in place of all other options but O(engine), O(cache_dir), O(helm_binary),
        O(dependency_update), O(helm_credentials) and O(helm_credentials_for_paths), which hold for all of them. They
        are fetched side by side. Where some fail, the task fails and names each of them; the results of the others are
        there nevertheless.
      - Each of them has the options that this module has for one.
    type: list
    elements: dict
    suboptions:
      name: *name
      workspace: *workspace
      repo: *repo
      branch: *branch
      revision: *revision
      paths: *paths
      bundles: *bundles
      targets: *targets
      target_namespace: *target_namespace
      service_account: *service_account
      keep_resources: *keep_resources
      delete_namespace: *delete_namespace
      correct_drift: *correct_drift
      paused: *paused
      force_sync_generation: *force_sync_generation
      labels: *labels
      username: *username
      password: *password
      password_file: *password_file
      ssh_private_key: *ssh_private_key
      ssh_private_key_file: *ssh_private_key_file
      known_hosts: *known_hosts
      known_hosts_file: *known_hosts_file
      insecure_skip_host_key_checks: *insecure_skip_host_key_checks
      github_app_id: *github_app_id
      github_app_installation_id: *github_app_installation_id
      github_app_private_key: *github_app_private_key
      github_app_private_key_file: *github_app_private_key_file
      github_api_url: *github_api_url
      client_secret_name: *client_secret_name
      helm_secret_name: *helm_secret_name
      helm_secret_name_for_paths: *helm_secret_name_for_paths
      helm_repo_url_regex: *helm_repo_url_regex
      secrets_from: *secrets_from
      disable_polling: *disable_polling
      polling_interval: *polling_interval
      webhook_secret: *webhook_secret
      image_scan_interval: *image_scan_interval
      image_scan_commit: *image_scan_commit
      oci_registry_secret: *oci_registry_secret
      ca_bundle: *ca_bundle
      insecure_skip_tls_verify: *insecure_skip_tls_verify
      timeout: *timeout
  cache_dir:
    description:
      - Directory for mirrors and built bundles.
      - By default C(gitops.fleet) in the user's cache directory.
    type: path
extends_documentation_fragment:
  - gitops.fleet.charts
  - gitops.fleet.helm
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
  - cryptography (Python library), for GitHub Apps
  - kubernetes (Python library), for O(secrets_from)
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

- name: Build from a private repository on GitHub, as a GitHub App
  gitops.fleet.fleet_gitrepo:
    name: apps
    repo: https://github.com/example/apps.git
    branch: main
    github_app_id: "123456"
    github_app_installation_id: "7891011"
    github_app_private_key_file: /etc/fleet/github-app.pem
  run_once: true
  delegate_to: localhost

- name: Build from a repository whose credentials are in a Secret of the management cluster
  gitops.fleet.fleet_gitrepo:
    name: apps
    repo: https://git.example.com/team/apps.git
    branch: main
    client_secret_name: git-login
    secrets_from:
      kubeconfig: ~/.kube/management
  run_once: true
  delegate_to: localhost

- name: Build many repositories in one call
  gitops.fleet.fleet_gitrepo:
    gitrepos:
      - name: apps
        repo: https://git.example.com/team/apps.git
        branch: main
      - name: monitoring
        repo: https://git.example.com/platform/monitoring.git
        revision: v3.1.0
  run_once: true
  delegate_to: localhost
  register: built

- name: Build bundles whose charts come from a private repository, and none whose chart lacks dependencies
  gitops.fleet.fleet_gitrepo:
    name: shop
    repo: https://git.example.com/team/shop.git
    branch: main
    helm_credentials:
      username: deploy
      password: "{{ vault_chart_token }}"
    helm_repo_url_regex: https://charts\.example\.com/.*
    dependency_update: never
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
  returned: success, for one GitRepo
  type: str
  sample: c5be345cc217feab38654a152f03e21714546c6d
bundles:
  description: The bundles, sorted by name. At most 2,000 of them, all of them are in RV(build).
  returned: success, for one GitRepo
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
  returned: success, for one GitRepo
  type: int
  sample: 4
build:
  description: File with the built bundles, for O(gitops.fleet.fleet_deploy#module:builds).
  returned: success, for one GitRepo
  type: str
  sample: /home/me/.cache/gitops.fleet/builds/8b74cb94554d96cf4f59c2323e36c8105d41ad42f3673e1dddea3add31832023.json
builds:
  description: The files with the built bundles, of all GitRepos that did not fail.
  returned: success, and with O(gitrepos) on failure too
  type: list
  elements: str
  sample:
    - /home/me/.cache/gitops.fleet/builds/8b74cb94554d96cf4f59c2323e36c8105d41ad42f3673e1dddea3add31832023.json
gitrepos:
  description: The results of O(gitrepos), in their order.
  returned: with O(gitrepos)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the GitRepo.
      type: str
      sample: apps
    workspace:
      description: Its workspace.
      type: str
      sample: fleet-default
    failed:
      description: Whether it failed.
      type: bool
      sample: false
    msg:
      description: What is wrong, if it failed.
      type: str
      sample: "GitRepo apps: the repository has no branch 'mian'. It has main."
    commit:
      description: As RV(commit).
      type: str
      sample: c5be345cc217feab38654a152f03e21714546c6d
    bundles:
      description: As RV(bundles). At most 2,000 for all GitRepos together.
      type: list
      elements: dict
      sample: []
    bundle_count:
      description: As RV(bundle_count).
      type: int
      sample: 4
    build:
      description: As RV(build).
      type: str
      sample: /home/me/.cache/gitops.fleet/builds/8b74cb94554d96cf4f59c2323e36c8105d41ad42f3673e1dddea3add31832023.json
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import build_gitrepo
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id
from ansible_collections.gitops.fleet.plugins.module_utils.chart import loading_options
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory, cache_directory
from ansible_collections.gitops.fleet.plugins.module_utils.source import gitrepo_options
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo

MOST_BUNDLES_SHOWN = 2000
"""So that a result stays well under the 700,000 characters that AWX keeps of it."""

AT_ONCE = 8
"""How many repositories are fetched side by side."""


def argument_spec() -> dict:
    one = gitrepo_options.argument_spec()
    return {
        "engine": {"type": "str", "choices": ["push"], "default": "push"},
        **one,
        "gitrepos": {"type": "list", "elements": "dict", "options": one, **conditions()},
        "cache_dir": {"type": "path"},
        **loading_options.argument_spec(),
        "helm_credentials_for_paths": loading_options.credentials_for_paths_spec(),
    }


def conditions() -> dict:
    """Which options go together, for one GitRepo."""
    return {
        "mutually_exclusive": [
            ("password", "password_file"),
            ("ssh_private_key", "ssh_private_key_file"),
            ("github_app_private_key", "github_app_private_key_file"),
            ("known_hosts", "known_hosts_file"),
            ("paths", "bundles"),
        ],
        "required_together": [("github_app_id", "github_app_installation_id")],
    }


def main() -> None:
    of_one = conditions()
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[*of_one["mutually_exclusive"], ("gitrepos", "name"), ("gitrepos", "repo")],
        required_together=[*of_one["required_together"], ("name", "repo")],
        required_one_of=[("name", "gitrepos")],
        supports_check_mode=True,
    )
    message, result = "", {}
    try:
        cache = cache_directory(module.params["cache_dir"])
        if module.params["gitrepos"] is None:
            result = build(module, module.params, cache)
            result["builds"] = [result["build"]]
        else:
            message, result = build_many(module, module.params["gitrepos"], cache)
    except FleetError as error:
        message = str(error)
    # Outside of the handler, where Ansible would add a traceback with -vvv.
    if message:
        module.fail_json(msg=message, **result)
    module.exit_json(changed=False, **result)


def build_many(module: AnsibleModule, gitrepos: list[dict], cache: Path) -> tuple[str, dict]:
    """What went wrong with some of them, '' if nothing did, and the result of all of them."""

    def attempt(params: dict) -> dict:
        named = {"name": params["name"], "workspace": params["workspace"]}
        try:
            return named | {"failed": False} | build(module, params, cache)
        except FleetError as error:
            place = f"GitRepo {params['name']}"
            return named | {"failed": True, "msg": str(error if place in error.place else error.at(place))}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(attempt, gitrepos))
    left = MOST_BUNDLES_SHOWN
    for result in results:
        if not result["failed"]:
            result["bundles"] = result["bundles"][:left]
            left -= len(result["bundles"])
    wrong = [result["msg"] for result in results if result["failed"]]
    message = f"{len(wrong)} of {len(results)} GitRepos failed: {' | '.join(wrong)}" if wrong else ""
    return message, {"gitrepos": results, "builds": [result["build"] for result in results if not result["failed"]]}


def build(module: AnsibleModule, params: dict, cache: Path) -> dict:
    """The result of one GitRepo. Raises FleetError."""
    gitrepo = gitrepo_options.gitrepo_of(params)
    with RunDirectory() as run, HelmFinder(module.params["helm_binary"] or "", run) as helm:
        loader = loading_options.chart_loader(
            chart_options(gitrepo, module.params, params, run),
            f"{gitrepo.namespace}/{gitrepo.name}",
            helm.find,
            cache,
            run,
            insecure_skip_tls_verify=gitrepo.insecure_skip_tls_verify,
        )
        credentials = credentials_of(gitrepo, params, run)
        fetched = fetch(gitrepo, credentials, cache, run, timeout=params["timeout"])
        for warning in fetched.warnings:
            module.warn(warning)
        with fetched.tree:
            built, path = build_gitrepo(gitrepo, fetched, cache, loader)
    for warning in loader.warnings:
        module.warn(warning)
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


def chart_options(gitrepo: GitRepo, common: dict, params: dict, run: RunDirectory) -> dict:
    """The options for charts: those of the call, the pattern of the GitRepo, and what its Secrets say."""
    try:
        secrets = gitrepo_options.helm_secrets_of(params, run)
    except FleetError as error:
        raise error.at(gitrepo.place) from error
    return common | {"helm_repo_url_regex": params["helm_repo_url_regex"]} | secrets


def credentials_of(gitrepo, params: dict, run: RunDirectory):
    try:
        return gitrepo_options.credentials_of(params, run)
    except FleetError as error:
        raise error.at(gitrepo.place) from error


if __name__ == "__main__":
    main()
