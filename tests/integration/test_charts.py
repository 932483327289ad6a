# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts that no repository holds, from the playbook to the cluster."""

import yaml
from charts import ChartServer, chart_files

PASSWORD = "tr0mbone-4711"


def test_charts_of_a_repository_and_dependencies_reach_the_cluster(node):
    remote, local = node.namespace(), node.namespace()
    cluster = node.clusters[0].name
    with ChartServer(login=f"reader:{PASSWORD}") as server:
        for name, version in (("web", "1.0.0"), ("web", "1.1.0"), ("redis", "2.0.0")):
            server.add(name, version)
        repository = node.repository(helm_repo_url_regex=server.url)
        dependencies = [{"name": "redis", "version": "2.x", "repository": server.url}]
        chart = chart_files("app", "3.0.0", dependencies=dependencies)
        helm = {"releaseName": "web", "chart": "web", "repo": server.url, "version": "1.x"}
        repository.commit(
            {
                "remote/fleet.yaml": yaml.safe_dump({"namespace": remote, "helm": helm}),
                "local/fleet.yaml": yaml.safe_dump({"namespace": local, "helm": {"releaseName": "app"}}),
                **{f"local/{path}": text for path, text in chart.items()},
            }
        )
        credentials = {repository.name: {"username": "reader", "password": PASSWORD}}
        run = node.deploy(fleet_dependency_update="never", fleet_helm_credentials=credentials)
        assert "chart app needs redis, and charts/ does not hold it" in run.message
        assert "helm dependency build local" in run.message
        assert not node.releases(cluster, remote)

        run = node.deploy("-vvv", fleet_helm_credentials=credentials)
        assert not run.failed_hosts, run.output
        assert PASSWORD not in run.output
        assert "the dependencies of chart app were loaded: redis 2.0.0" in run.message
        assert node.config_map(cluster, remote, "web") == {"version": "1.1.0"}
        assert node.config_map(cluster, local, "app") == {"version": "3.0.0"}
        assert node.config_map(cluster, local, "redis") == {"version": "2.0.0"}

        # The range is resolved anew; the dependencies are loaded again, and found to be the same.
        server.add("web", "1.2.0")
        node.deploy(fleet_helm_credentials=credentials)
        assert node.config_map(cluster, remote, "web") == {"version": "1.2.0"}
        assert len(node.history(cluster, remote, "web")) == 2
        assert len(node.history(cluster, local, "app")) == 1
