# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` of an environment on the copy of the collection: ``python .ci/sanity.py .venv``

Fails unless the tests really ran: in a copy that is not set up right, ansible-test skips them all and passes.

ansible-test would fetch a script that installs pip into the environments that it makes. Here it finds one that does
the same from Python's own copy of pip, so that the run needs a package index and nothing else from the network.
"""

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
COPY = CHECKOUT / "build/copy/ansible_collections/gitops/fleet"

# ansible-core 2.16 has 36 tests and 2.19 has 24 that apply to a collection of this kind.
FEWEST_TESTS = 20
# Files of Kubernetes and Helm: several documents in one file, and templates, are mistakes to ansible-test's yamllint.
# The lab and the tests are not part of the archive; ruff looks after them.
NOT_ANSIBLE = ("docs/", "examples/", "lab/", "tests/")
NOTHING_RAN = ("All targets skipped", "No tests applicable")

GET_PIP = """\
import subprocess, sys
arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
subprocess.run([sys.executable, "-m", "pip", "install", *arguments], check=True)
"""


def main() -> int:
    environment = CHECKOUT / sys.argv[1]
    home = home_of_ansible_test()
    # Held until the process ends: two runs must not make the same environment at the same time.
    lock = (home / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lay_out_get_pip(environment, home)
    python = next((environment / "bin").glob("python3.*"))
    version = python.name.removeprefix("python")
    variables = os.environ | {
        "HOME": str(home),
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "PIP_CACHE_DIR": pip_cache_directory(),
    }
    variables.pop("ANSIBLE_COLLECTIONS_PATH", None)
    command = [environment / "bin/ansible-test", "sanity", "--venv", "--python", version, "--color", "no"]
    command += [word for path in NOT_ANSIBLE if (COPY / path).exists() for word in ("--exclude", path)]
    tests = 0
    skipped_all = False
    with subprocess.Popen(
        command, cwd=COPY, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        for line in run.stdout:
            print(line, end="", flush=True)
            tests += bool(re.match(r"Running sanity test", line))
            skipped_all = skipped_all or any(words in line for words in NOTHING_RAN)
    if run.returncode:
        return run.returncode
    if tests < FEWEST_TESTS or skipped_all:
        print(f"Only {tests} sanity tests ran, at least {FEWEST_TESTS} were expected: ansible-test found no files.")
        return 1
    print(f"{tests} sanity tests ran with {environment.name}")
    return 0


def home_of_ansible_test() -> Path:
    """Where ansible-test keeps its environments: in the user's cache, shared between checkouts."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "gitops.fleet/ansible-test"
    home.mkdir(parents=True, exist_ok=True)
    return home


def lay_out_get_pip(environment: Path, home: Path) -> None:
    """Put the script where ansible-test looks before it fetches one: its name holds the version of pip."""
    requirements = next(environment.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    versions = set(re.findall(r"pip='([0-9.]+)'", requirements.read_text(encoding="utf-8")))
    if not versions:
        sys.exit(f"{requirements} names no version of pip: this ansible-test works in another way, see .ci/sanity.py")
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")


def pip_cache_directory() -> str:
    completed = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False
    )
    return completed.stdout.strip() or os.path.expanduser("~/.cache/pip")


if __name__ == "__main__":
    sys.exit(main())
