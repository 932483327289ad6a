# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: a real git repository to real clusters, one step after the other, each shown as a user would run it.

It only calls what a user would call (git, ansible-playbook, helm) and checks what it shows: the demo
fails where a step did not do what it says.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import git_server

CHECKOUT = Path(__file__).resolve().parent.parent
STATE = CHECKOUT / "build" / "demo"
GIT_SERVER = STATE / "git-server"
EXAMPLE = CHECKOUT / "examples" / "fleet"
INVENTORY = CHECKOUT / "examples" / "lab.clusters.yml"
PLAYBOOK = CHECKOUT / "playbooks" / "deploy.yml"
USER = "demo"
OWNER = "demo"
LIST = ("list", "--all-namespaces", "--short")
RELEASE = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Repository:
    """The demo's git repository: a clone to commit in, and the address from which it is deployed."""

    clone: Path
    url: str
    password: str

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "--force", "origin", "HEAD:main")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(self.clone), *identity, *arguments], check=True)

    def edit(self, name: str, before: str, after: str) -> None:
        file = self.clone / name
        text = file.read_text(encoding="utf-8")
        if before not in text:
            raise SystemExit(f"{file} does not hold {before!r}")
        file.write_text(text.replace(before, after), encoding="utf-8")


@dataclass(frozen=True)
class Cluster:
    """A cluster of build/lab/clusters.yaml, which ``make lab-up`` wrote."""

    name: str
    kubeconfig: str
    context: str
    is_labelled: bool

    @classmethod
    def all(cls) -> list["Cluster"]:
        document = yaml.safe_load((CHECKOUT / "build" / "lab" / "clusters.yaml").read_text(encoding="utf-8"))
        return [
            cls(item["name"], item["kubeconfig"], item["context"], "env" in (item.get("labels") or {}))
            for item in document["clusters"]
        ]

    def helm(self, *arguments: str) -> str:
        command = [
            os.environ["FLEET_HELM"],
            *arguments,
            "--kubeconfig",
            self.kubeconfig,
            "--kube-context",
            self.context,
        ]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def kubectl(self, *arguments: str) -> None:
        subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, "--context", self.context, *arguments], check=True)


class Demo:
    """The steps, and what they have in common: the environment of the commands and the count of helm processes."""

    def __init__(self, repository: Repository):
        self.repository = repository
        self.clusters = [cluster for cluster in Cluster.all() if cluster.is_labelled]
        self.log = STATE / "helm.log"
        self.variables = STATE / "gitrepos.yml"
        self.environment = _environment(repository, self.log)

    def run(self) -> None:
        self.step("Deploy: every bundle to the clusters that its targets select")
        changed, _helms = self.deploy()
        if not changed:
            say("Everything was there already: the demo was run before.")

        self.step("Look before: what would a change of one bundle do? (--check --diff)")
        self.repository.edit("raw/settings.yaml", "greeting: hello", f"greeting: hello again at {time.time():.0f}")
        self.repository.commit("Greet differently")
        changed, _helms = self.deploy("--check", "--diff")
        wanted = len(self.clusters)
        self.expect(
            changed == wanted, f"{wanted} releases would change, one bundle on {wanted} clusters; planned: {changed}"
        )

        self.step("Deploy the change: only the releases that it concerns move")
        changed, helms = self.deploy()
        self.expect(
            helms["upgrade"] == 3, f"3 helm upgrades, one a release that moved; {helms['upgrade']} were started"
        )

        self.step("Nothing to do: the same again")
        changed, helms = self.deploy()
        count = helms.total()
        self.expect(changed == count == 0, f"nothing to change and no helm process; there were {changed} and {count}")

        self.step("Remove a bundle from git: it is pruned")
        shutil.rmtree(self.repository.clone / "kustomize")
        self.repository.commit("Remove the cache")
        self.deploy()
        left = [
            line for cluster in self.clusters for line in cluster.helm(*LIST, "--filter", "^demo-kustomize$").split()
        ]
        self.expect(not left, f"helm lists no release of it; it listed {left}")
        self.how_to_look_around()

    def step(self, title: str) -> None:
        print(f"\n\033[1m== {title}\033[0m" if sys.stdout.isatty() else f"\n== {title}", flush=True)

    def deploy(self, *options: str) -> tuple[int, Counter[str]]:
        """Run the playbook; return how many hosts changed, and the helm processes that it started, by verb."""
        self.log.write_text("", encoding="utf-8")
        command = ["ansible-playbook", "-i", str(INVENTORY), str(PLAYBOOK), "-e", f"@{self.variables}", *options]
        say("$ " + " ".join(_short(word) for word in command))
        started = time.monotonic()
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        output = []
        for line in process.stdout:
            output.append(line)
            print(line, end="", flush=True)
        if process.wait():
            raise SystemExit(f"ansible-playbook ended with exit code {process.returncode}")
        changed = sum(int(count) for _host, count in RELEASE.findall("".join(output)))
        helms = Counter(self.log.read_text(encoding="utf-8").split())
        counted = ", ".join(f"{count} {verb}" for verb, count in sorted(helms.items())) or "none"
        say(f"({time.monotonic() - started:.1f} s; helm processes: {counted})")
        return changed, helms

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise SystemExit(f"The demo expected {what}")
        say(f"As it should be: {what}.")

    def how_to_look_around(self) -> None:
        cluster = self.clusters[0]
        where = f"--kubeconfig {cluster.kubeconfig} --kube-context {cluster.context}"
        helm, kubectl = os.environ["FLEET_HELM"], shutil.which("kubectl") or "kubectl"
        self.step("Look around")
        print(
            f"""
  {helm} list --all-namespaces {where}
  {helm} history guestbook --namespace demo-helm {where}
  {kubectl} --kubeconfig {cluster.kubeconfig} --context {cluster.context} get deployments --all-namespaces

  The git repository to commit in:  {self.repository.clone}  (git push origin HEAD:main)
  The inventory:                    ansible-inventory -i {_short(str(INVENTORY))} --graph
  Containers do not run on the lab (there is no kubelet; kwok plays the nodes), all else is real.

  make demo         the same again
  make demo-clean   uninstall what the demo deployed
  make lab-down     end the lab's clusters and the git server
"""
        )


def clean() -> None:
    """Uninstall the demo's releases, by its owner label, and delete its namespaces, on every cluster."""
    for cluster in Cluster.all():
        for release in json.loads(cluster.helm(*LIST[:-1], "--selector", f"gitops.fleet/owner={OWNER}", "-o", "json")):
            cluster.helm("uninstall", release["name"], "--namespace", release["namespace"])
            say(f"{cluster.name}: uninstalled {release['namespace']}/{release['name']}")
        namespaces = [f"demo-{bundle.name}" for bundle in EXAMPLE.iterdir()]
        cluster.kubectl("delete", "namespace", "--ignore-not-found", "--wait=false", *namespaces)


def main() -> None:
    if sys.argv[1:] == ["down"]:
        git_server.stop(GIT_SERVER)
        return
    if sys.argv[1:] == ["clean"]:
        clean()
        return
    STATE.mkdir(parents=True, exist_ok=True, mode=0o700)
    Demo(_repository()).run()


def _repository() -> Repository:
    """A fresh repository with the example in it, served over HTTP with basic auth."""
    password = _password()
    root, clone = STATE / "git", STATE / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    bare = root / "fleet.git"
    if not (bare / "HEAD").exists():
        shutil.rmtree(bare, ignore_errors=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    shutil.copytree(EXAMPLE, clone)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "remote", "add", "origin", str(bare)], check=True)
    url = git_server.start(root, GIT_SERVER, users={USER: password})
    repository = Repository(clone, f"{url}/fleet.git", password)
    repository.commit("Four bundles: raw YAML, Helm, Kustomize, Helm and Kustomize")
    return repository


def _password() -> str:
    file = STATE / "password"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(24))
    return file.read_text(encoding="ascii")


def _environment(repository: Repository, log: Path) -> dict[str, str]:
    gitrepo = {
        "name": "demo",
        "repo": repository.url,
        "branch": "main",
        "targets": [
            {
                "name": "labelled",
                "clusterSelector": {"matchExpressions": [{"key": "env", "operator": "Exists"}]},
            }
        ],
    }
    credentials = {"demo": {"username": USER, "password": "{{ lookup('ansible.builtin.env', 'DEMO_GIT_PASSWORD') }}"}}
    variables = {"fleet_gitrepos": [gitrepo], "fleet_git_credentials": credentials}
    (STATE / "gitrepos.yml").write_text(json.dumps(variables, indent=2), encoding="utf-8")
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "DEMO_GIT_PASSWORD": repository.password,
        "FLEET_HELM": str(_counted_helm(os.environ["FLEET_HELM"], log)),
        "GITOPS_FLEET_OWNER": OWNER,
    }


def _counted_helm(helm: str, log: Path) -> Path:
    """A helm that writes a line into ``log`` each time it is started: the demo counts processes."""
    script = STATE / "helm"
    script.write_text(f'#!/bin/sh\necho "$1" >>"{log}"\nexec "{helm}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def _short(word: str) -> str:
    return os.path.relpath(word) if word.startswith(str(CHECKOUT)) else word.replace(f"@{CHECKOUT}/", "@")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
