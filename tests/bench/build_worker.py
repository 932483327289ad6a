# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: ``build_worker REPOSITORY CACHE`` builds the bundles of a repository, as fleet_gitrepo does."""

import sys

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import build_gitrepo
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory, cache_directory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo


def main() -> None:
    if sys.argv[1] == "nothing":
        return
    gitrepo = GitRepo(name="bench", repo=f"file://{sys.argv[1]}", branch="main", namespace="fleet-default")
    cache = cache_directory(sys.argv[2])
    with RunDirectory() as run:
        fetched = fetch(gitrepo, Credentials(), cache, run, timeout=300)
        with fetched.tree:
            build_gitrepo(gitrepo, fetched, cache)


if __name__ == "__main__":
    main()
