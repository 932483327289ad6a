# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as people call it: by ansible-inventory and ansible, with every ansible-core that is tested."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import CHECKOUT, CORES
from simulated_hub import SimulatedHub, fleet_cluster, fleet_objects

NEWEST = CHECKOUT / ".venv-newest"
"""The environment with the newest ansible-core, where a Python for it was found."""

TOKEN = "planted-token-7c1f"
"""A credential that must show up nowhere."""

TEMPLATE = "{{ lookup('pipe', 'touch executed') }}"
"""Leaves a file behind where it is run as a template."""


def cluster(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "kubeconfig": f"kubeconfigs/{name}.yaml", **fields}


PROD_EU = cluster("prod-eu", labels={"env": "prod", "region": "eu"})
DEV_EU = cluster("dev-eu", labels={"env": "dev", "region": "eu"}, context="dev", templateValues={"replicas": 1})
BARE = cluster("bare")


@dataclass
class User:
    """Somebody with inventory files in a directory, and one ansible-core."""

    directory: Path
    environment: Path

    def write(self, *clusters: dict, name: str = "test.clusters.yml", **options: Any) -> Path:
        """Write an inventory file. ``options`` are the plugin's, ``clusters`` its source unless they name others."""
        document = {
            "plugin": "gitops.fleet.clusters",
            "sources": [{"type": "file", "clusters": list(clusters)}],
            **options,
        }
        path = self.directory / name
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path

    def run(self, program: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess:
        """Run a program of Ansible's from another directory than the inventory's."""
        elsewhere = self.directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build" / "collections"),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            **variables,
        }
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=elsewhere,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def inventory(self, *paths: Path, **variables: str) -> dict[str, Any]:
        """What ansible-inventory says, with Ansible's marks for unsafe strings taken off again."""
        run = self.run("ansible-inventory", *_given(paths), "--list", "--export", **variables)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))

    def fails(self, *paths: Path, **variables: str) -> str:
        """What a user sees where the inventory cannot be made."""
        run = self.run("ansible-inventory", *_given(paths), "--list", **variables)
        text = " ".join(f"{run.stdout} {run.stderr}".split())
        assert run.returncode != 0, text
        assert "Traceback" not in text
        return text


def _given(paths: tuple[Path, ...]) -> list[str | Path]:
    return [argument for path in paths for argument in ("--inventory", path)]


@pytest.fixture(params=["2.16", "2.19", "newest"])
def user(request, tmp_path) -> User:
    environment = CORES.get(request.param, NEWEST)
    if not environment.exists():
        pytest.skip("no Python for the newest ansible-core was found (make venvs says which it needs)")
    return User(tmp_path, environment)


@pytest.fixture
def usual(tmp_path) -> User:
    """The usual ansible-core alone, for what does not depend on it."""
    return User(tmp_path, CORES["2.19"])


def hosts(inventory: dict[str, Any], group: str) -> list[str]:
    return inventory[group].get("hosts", [])


def test_hosts_groups_and_variables(user, tmp_path):
    groups = [{"name": "europe", "labels": {"kind": "continent"}, "selector": {"matchLabels": {"region": "eu"}}}]
    found = user.inventory(user.write(PROD_EU, DEV_EU, BARE, cluster_groups=groups))
    assert hosts(found, "fleet") == hosts(found, "workspace_fleet_default") == ["prod-eu", "dev-eu", "bare"]
    assert hosts(found, "label_env_prod") == ["prod-eu"]
    assert hosts(found, "label_region_eu") == hosts(found, "cluster_group_europe") == ["prod-eu", "dev-eu"]
    assert found["fleet"]["vars"]["fleet_cluster_groups"] == [{**groups[0], "workspace": "fleet-default"}]
    variables = found["_meta"]["hostvars"]["dev-eu"]
    assert variables["fleet_cluster"] == {
        "name": "dev-eu",
        "workspace": "fleet-default",
        "labels": {"env": "dev", "region": "eu"},
        "annotations": {},
        "templateValues": {"replicas": 1},
        "status": {},
        "source": "file",
        "kubeconfig": str(tmp_path / "kubeconfigs/dev-eu.yaml"),
        "context": "dev",
        "uid": "",
    }
    assert variables["ansible_connection"] == "local"
    assert Path(variables["ansible_python_interpreter"]).parent == user.environment / "bin"


def test_limits_and_tasks(user):
    path = user.write(PROD_EU, DEV_EU, BARE)
    chosen = user.run("ansible", "-i", path, "--list-hosts", "label_region_eu:!label_env_dev")
    assert chosen.stdout.split() == ["hosts", "(1):", "prod-eu"]
    done = user.run("ansible", "-i", path, "fleet", "-m", "ansible.builtin.command", "-a", "true")
    assert done.stdout.count("CHANGED") == 3, done.stdout + done.stderr


def test_constructed_variables_and_groups(user):
    path = user.write(
        PROD_EU,
        BARE,
        compose={"region": "fleet_cluster.labels.region"},
        groups={"production": "fleet_cluster.labels.env | default('') == 'prod'"},
        keyed_groups=[{"key": "fleet_cluster.labels.region | default('none')", "prefix": "in"}],
    )
    found = user.inventory(path)
    assert found["_meta"]["hostvars"]["prod-eu"]["region"] == "eu"
    assert "region" not in found["_meta"]["hostvars"]["bare"]
    assert hosts(found, "production") == hosts(found, "in_eu") == ["prod-eu"]
    assert hosts(found, "in_none") == ["bare"]
    path = user.write(BARE, strict=True, compose={"region": "fleet_cluster.labels.region"})
    assert "Could not set region for host bare" in user.fails(path)


def test_text_from_outside_never_runs_as_a_template(user, tmp_path):
    """Neither in a variable nor in what is composed of it, from a list in a file or in the inventory file."""
    (tmp_path / "list.yaml").write_text(yaml.safe_dump([cluster("a", annotations={"x": TEMPLATE, "{{ 1 + 1 }}": "y"})]))
    inline = cluster("b", annotations={"x": TEMPLATE}, templateValues={"deep": [{"er": TEMPLATE}]})
    path = user.write(
        sources=[{"type": "file", "path": "list.yaml"}, {"type": "file", "clusters": [inline]}],
        compose={"copied": "fleet_cluster.annotations.x", "joined": "'{' ~ '{ 7 * 6 }' ~ '}' ~ fleet_cluster.name"},
    )
    for message in (
        "{{ fleet_cluster }}",
        "{{ fleet_cluster.annotations.x }}",
        "{{ copied }}",
        "{{ fleet_cluster | to_json }}",
    ):
        run = user.run(
            "ansible", "-i", path, "fleet", "-m", "ansible.builtin.debug", "-a", json.dumps({"msg": message})
        )
        assert run.stdout.count("SUCCESS") == 2, run.stdout + run.stderr
        assert "lookup(" in run.stdout
    assert not list(tmp_path.rglob("executed"))


def test_no_credential_is_in_what_comes_out(user, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(_kubeconfig(name)))
    (tmp_path / "broken.yaml").write_text(f"users: [{{name: x, user: {{token: {TOKEN}}}}}, {{")
    sources = [{"type": "kubeconfig", "path": ["one.yaml", "env:FLEET_KUBECONFIG"]}]
    path = user.write(sources=[*sources, {"type": "kubeconfig", "path": "broken.yaml"}])
    environment = {"FLEET_KUBECONFIG": str(tmp_path / "two.yaml"), "ANSIBLE_DEBUG": "true"}
    run = user.run("ansible-inventory", "-i", path, "--list", "--export", "-vvvv", **environment)
    assert run.returncode == 0, run.stderr
    assert "broken.yaml" in run.stderr
    assert TOKEN not in run.stdout + run.stderr
    # A path that is a job's own is not stored either.
    assert "env:FLEET_KUBECONFIG" in run.stdout
    assert "two.yaml" not in run.stdout


def _kubeconfig(*contexts: str) -> dict[str, Any]:
    return {
        "current-context": contexts[0],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com"}} for name in contexts],
        "users": [{"name": name, "user": {"token": TOKEN}} for name in contexts],
    }


def test_settings_from_the_environment(user):
    path = user.write(PROD_EU, DEV_EU, BARE)
    found = user.inventory(
        path, GITOPS_FLEET_LABEL_SELECTOR="env in (prod,dev),region=eu", GITOPS_FLEET_NAMES="prod-*,x"
    )
    assert hosts(found, "fleet") == ["prod-eu"]
    found = user.inventory(path, GITOPS_FLEET_EXCLUDE_NAMES="dev-*", GITOPS_FLEET_WORKSPACE="team-a")
    assert hosts(found, "workspace_team_a") == ["prod-eu", "bare"]
    found = user.inventory(path, GITOPS_FLEET_LABEL_GROUPS="region", GITOPS_FLEET_FULL_HOST_NAMES="true")
    assert hosts(found, "fleet")[0] == "fleet-default.prod-eu"
    assert [name for name in found if name.startswith("label_")] == ["label_region_eu"]


def test_settings_from_extra_variables_and_ansible_cfg(usual, tmp_path):
    path = usual.write(PROD_EU, DEV_EU, BARE)
    (tmp_path / "ansible.cfg").write_text("[gitops_fleet]\nnames = prod-*,dev-*\nexclude_names = prod-*\n")
    configuration = {"ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    assert hosts(usual.inventory(path, **configuration), "fleet") == ["dev-eu"]
    arguments = ["--graph", "-e", '{"gitops_fleet_names": ["bare"]}']
    run = usual.run("ansible-inventory", "-i", path, *arguments, GITOPS_FLEET_NAMES="dev-*", **configuration)
    assert "--bare" in run.stdout
    assert "dev-eu" not in run.stdout
    # What the file says wins over all of them.
    path = usual.write(PROD_EU, DEV_EU, BARE, names=["prod-*"], exclude_names=[])
    run = usual.run("ansible-inventory", "-i", path, *arguments, GITOPS_FLEET_NAMES="dev-*", **configuration)
    assert "--prod-eu" in run.stdout
    assert "--bare" not in run.stdout


def test_what_is_meant_for_other_tools_changes_nothing(user, tmp_path):
    (tmp_path / "config").write_text(yaml.safe_dump(_kubeconfig("mine")))
    (tmp_path / "hub").write_text(yaml.safe_dump(_kubeconfig("hub")))
    path = user.write(sources=[{"type": "kubeconfig", "path": "config"}])
    names = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST")
    hostile = {name: str(tmp_path / "hub") for name in names}
    assert user.inventory(path, **hostile) == user.inventory(path)


def test_two_files_of_one_inventory(user, tmp_path):
    (tmp_path / "inventory").mkdir()
    for name, group in (("a", "east"), ("b", "west")):
        user.write(
            cluster(f"{name}-1"),
            cluster("same", workspace=name),
            name=f"inventory/{name}.fleet.yml",
            cluster_groups=[{"name": group, "selector": {}}],
        )
    found = user.inventory(tmp_path / "inventory")
    # The second file finds the first one's "same" taken.
    assert hosts(found, "fleet") == ["a-1", "same", "b-1", "b.same"]
    assert [group["name"] for group in found["fleet"]["vars"]["fleet_cluster_groups"]] == ["east", "west"]
    user.write(cluster("a-1"), name="inventory/c.fleet.yml")
    assert "cluster fleet-default.a-1 is in another inventory file, too" in user.fails(tmp_path / "inventory")


def test_hosts_that_are_there_already(usual, tmp_path):
    """A host of another inventory may be a cluster, too, or get more variables by the plugin's having its name."""
    (tmp_path / "inventory").mkdir()
    static = {"x": {"fleet_cluster": {"kubeconfig": "/k"}}, "bare": {"colour": "red"}}
    (tmp_path / "inventory/1.yml").write_text(yaml.safe_dump({"all": {"hosts": static}}))
    usual.write(BARE, cluster("x", workspace="w"), name="inventory/2.fleet.yml")
    found = usual.inventory(tmp_path / "inventory")
    assert hosts(found, "fleet") == ["bare", "w.x"]
    assert found["_meta"]["hostvars"]["bare"]["colour"] == "red"
    usual.write(cluster("x"), name="inventory/2.fleet.yml")
    assert "cluster fleet-default.x is in another inventory file, too" in usual.fails(tmp_path / "inventory")


def test_one_broken_source_of_several(user):
    sources = [{"type": "file", "path": "none.yaml"}, {"type": "file", "clusters": [BARE]}]
    path = user.write(sources=sources)
    run = user.run("ansible-inventory", "-i", path, "--list")
    assert "none.yaml" in run.stderr
    assert "left out" in " ".join(run.stderr.split())
    assert hosts(json.loads(run.stdout), "fleet") == ["bare"]
    assert "none.yaml" in user.fails(user.write(sources=sources, strict=True))
    assert "none.yaml" in user.fails(user.write(sources=sources[:1]))


def test_labels_that_fall_into_one_group_are_told(usual):
    path = usual.write(cluster("a", labels={"x-y": "1.2", "x_y": "1-2"}), cluster("b", labels={"x-y": "1.2"}))
    run = usual.run("ansible-inventory", "-i", path, "--list")
    text = " ".join(run.stderr.split())
    assert text.count("group label_x_y_1_2 holds the clusters of several labels: x-y=1.2, x_y=1-2") == 1
    assert hosts(json.loads(run.stdout), "label_x_y_1_2") == ["a", "b"]


@pytest.mark.parametrize(
    ("clusters", "options", "said"),
    [
        ([cluster("Prod")], {}, "'Prod' is no name that a cluster can have"),
        ([BARE, BARE], {}, "two clusters bare in workspace fleet-default"),
        ([BARE], {"cluster_groups": [{"name": "a", "selector": {"matchLabels": {"a": 1}}}]}, "label a is not a string"),
        ([BARE], {"label_selector": "a b"}, "label selector 'a b' is not understood"),
        ([BARE], {"workspace": "a.b"}, "'a.b' is no name that a workspace can have"),
        ([BARE], {"sources": [{"type": "argo"}]}, "type 'argo'"),
    ],
)
def test_mistakes(usual, clusters, options, said):
    path = usual.write(*clusters, **options)
    assert said in usual.fails(path)


def test_other_files_are_left_to_other_plugins(usual, tmp_path):
    path = usual.write(BARE, name="fleet.yaml")
    assert "bare" not in usual.fails(path)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"a": None}}}))
    assert hosts(usual.inventory(tmp_path / "hosts.yml"), "ungrouped") == ["a"]


@pytest.fixture
def every_hub(tmp_path) -> Iterator[SimulatedHub]:
    """A Fleet manager, a Rancher and a Cluster API management cluster in one, and the cluster that all of them have."""
    hub = SimulatedHub(tmp_path, fleet_objects([fleet_cluster("managed")]))
    ranchers = {"id": "c-m-1", "name": "shop", "fleetWorkspaceName": "fleet-default"}
    ranchers["conditions"] = [{"type": "Ready", "status": "True"}]
    kubeconfig = base64.b64encode(yaml.safe_dump(hub.server.kubeconfig({"token": TOKEN})).encode()).decode()
    capi = "/apis/cluster.x-k8s.io"
    ready = {"metadata": {"name": "one", "namespace": "shops"}, "status": {"phase": "Provisioned"}}
    hub.serve(
        {
            "/v3/clusters": {"data": [ranchers]},
            capi: {"preferredVersion": {"version": "v1beta2"}},
            f"{capi}/v1beta2/namespaces/shops/clusters": [ready],
            f"{capi}/v1beta2/namespaces/edge/clusters": [],
            "/api/v1/namespaces/shops/secrets/one-kubeconfig": {"data": {"value": kubeconfig}},
            "/api/v1/nodes": [{"metadata": {"name": "n", "labels": {"kubernetes.io/os": "windows"}}}],
        }
    )
    yield hub
    hub.server.close()


def test_the_examples_of_the_documentation_run(usual, tmp_path, every_hub):
    """That of ansible-doc, with all sources in one file, and each of docs/inventory.md."""
    shown = usual.run("ansible-doc", "-t", "inventory", "gitops.fleet.clusters", "--json")
    assert shown.returncode == 0, shown.stderr
    (documentation,) = json.loads(shown.stdout).values()
    page = (CHECKOUT / "docs/inventory.md").read_text(encoding="utf-8")
    on_page = re.findall(r"```yaml\n# (\S+)\n(plugin: .*?)```", page, re.DOTALL)
    examples = {f"docs-{name}": text for name, text in on_page}
    examples["all.fleet.yml"] = documentation["examples"]
    _files_of_the_examples(tmp_path, every_hub)
    address = f"url: {every_hub.server.url}\n    ca_file: ca.pem"
    found = {}
    for name, example in examples.items():
        own_ca = example.replace("    ca_file: env:RANCHER_CA   # only where the certificate is not a public one\n", "")
        (tmp_path / name).write_text(own_ca.replace("url: https://rancher.example.com", address))
        given = {"FLEET_KUBECONFIG": str(tmp_path / "job"), "RANCHER_TOKEN": TOKEN}
        inventory = usual.inventory(tmp_path / name, **given)
        assert TOKEN not in json.dumps(inventory)
        found[name] = hosts(inventory, "fleet")
    assert found == {
        "docs-manager.fleet.yml": ["managed"],
        "docs-edge.clusters.yml": ["prod-1", "shop-1", "shop-2"],
        "docs-prod.clusters.yml": ["prod-eu", "dev-eu"],
        "docs-rancher.fleet.yml": ["shop"],
        "docs-capi.fleet.yml": ["one"],
        "all.fleet.yml": ["managed", "shop-1", "shop-2", "prod-eu", "dev-eu", "bare", "shop", "one"],
    }
    assert hosts(inventory, "windows_nodes") == ["shop", "one"]
    for path in (tmp_path / ".cache").rglob("*"):
        assert path.is_dir() or TOKEN not in path.read_text(encoding="utf-8")


def _files_of_the_examples(directory: Path, hub: SimulatedHub) -> None:
    (directory / "kubeconfigs" / "edge").mkdir(parents=True)
    for name in ("shop-1", "shop-2"):
        (directory / "kubeconfigs" / "edge" / f"{name}.yaml").write_text(yaml.safe_dump(_kubeconfig("default")))
    (directory / "clusters.yaml").write_text(yaml.safe_dump([BARE]))
    (directory / "ca.pem").write_bytes(hub.server.authority.pem)
    (directory / "job").write_text(yaml.safe_dump(hub.server.kubeconfig({"token": TOKEN})))
    (directory / ".kube").mkdir()
    (directory / ".kube" / "config").write_text(yaml.safe_dump(_kubeconfig("prod-1", "dev-1")))


@pytest.fixture
def many(tmp_path) -> Callable[[int], Path]:
    def write(count: int) -> Path:
        clusters = [cluster(f"c{n}", labels={f"key-{k}": f"v{(n + k) % 5}" for k in range(50)}) for n in range(count)]
        (tmp_path / f"{count}.json").write_text(json.dumps(clusters))
        return User(tmp_path, CORES["2.19"]).write(
            name=f"{count}.fleet.yml", sources=[{"type": "file", "path": f"{count}.json"}]
        )

    return write


def test_time_grows_with_the_number_of_clusters_and_no_faster(usual, many):
    """CPU time, so that other work on the machine does not count; starting Ansible is taken off."""

    def seconds(path: Path) -> float:
        before = os.times()
        assert usual.run("ansible-inventory", "-i", path, "--host", "c0").returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    start, few, many_more = (seconds(many(count)) for count in (1, 500, 2000))
    assert many_more - start < 4 * (few - start) * 1.6
    assert many_more < 12
