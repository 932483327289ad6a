# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environments of the checkout: ``python3 .ci/venv.py [--lock] NAME…``

Each holds exactly what its lock file under ``requirements/`` says. A stamp in the environment names the lock
file's content, the interpreter and the place; while it fits, nothing is done. ``--lock`` writes the lock file anew
from the direct requirements (``requirements/<name>.in``).

Runs with nothing but the standard library, and with Python versions too old for the rest, to be able to say so.
"""

import argparse
import collections
import glob
import hashlib
import os
import shutil
import subprocess
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Above each lock file. Not written out, or `reuse` would take what follows for the licence of this file.
LICENCE_LINES = "# SPDX-{}: 2026 gitops.fleet contributors\n# SPDX-{}: GPL-3.0-or-later\n".format(
    "FileCopyrightText", "License-Identifier"
)
FLOOR = (3, 11)
CEILING = (3, 99)

# oldest and newest: the Python versions that the ansible-core in it supports (control node).
# optional: where no such Python is found, the environment is skipped, and that is said.
Environment = collections.namedtuple("Environment", "requirements oldest newest optional")

ENVIRONMENTS = {
    ".venv": Environment("dev", FLOOR, CEILING, optional=False),
    ".venv-2.16": Environment("ansible-2.16", FLOOR, (3, 12), optional=True),
    ".venv-newest": Environment("ansible-newest", (3, 12), CEILING, optional=True),
    ".venv-checks": Environment("checks", FLOOR, CEILING, optional=False),
    ".venv-importer": Environment("importer", FLOOR, CEILING, optional=False),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", action="store_true", help="write the lock files anew")
    parser.add_argument("names", nargs="+", choices=sorted(ENVIRONMENTS), metavar="NAME")
    arguments = parser.parse_args()
    for name in arguments.names:
        make(name, ENVIRONMENTS[name], arguments.lock)


def make(name, environment, lock):
    directory = os.path.join(CHECKOUT, name)
    interpreter = find_python(environment)
    if not interpreter:
        wanted = "Python {}.{} or later".format(*environment.oldest)
        if environment.newest != CEILING:
            wanted = "Python {}.{} to {}.{}".format(*environment.oldest, *environment.newest)
        if environment.optional:
            print(f"SKIPPED: {name} needs {wanted}, and none was found", flush=True)
            return
        sys.exit(
            f"{name} needs {wanted}; {sys.executable} is {sys.version.split()[0]}. "
            "Install one, and name it: make PYTHON=/path/to/python3"
        )
    if lock:
        write_lock(directory, interpreter, environment)
        return
    lock_file = requirements_file(environment, "txt")
    stamp = stamp_content(directory, interpreter, lock_file)
    stamp_file = os.path.join(directory, ".stamp")
    if read(stamp_file) == stamp:
        return
    print(f"Making {name} from {os.path.relpath(lock_file, CHECKOUT)}", flush=True)
    create(directory, interpreter)
    pip(directory, "install", "--quiet", "--no-deps", "--requirement", lock_file)
    remove_others(directory, lock_file)
    with open(stamp_file, "w", encoding="utf-8") as file:
        file.write(stamp)


def find_python(environment):
    """The interpreter that runs this script if it fits, else the first that fits of those in the usual places."""
    for candidate in candidates(environment):
        version = version_of(candidate)
        if version and environment.oldest <= version <= environment.newest:
            return candidate
    return None


def candidates(environment):
    yield sys.executable
    last = min(environment.newest[1], 20)
    for minor in range(environment.oldest[1], last + 1):
        on_path = shutil.which(f"python3.{minor}")
        if on_path:
            yield on_path
        for place in ("~/.pyenv/versions/3.{}.*/bin/python3", "~/.local/share/uv/python/cpython-3.{}.*/bin/python3"):
            yield from sorted(glob.glob(os.path.expanduser(place.format(minor))))


def version_of(interpreter):
    """Major and minor version of an interpreter, or nothing when it does not run (pyenv's shims, for one)."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    completed = subprocess.run([interpreter, "-c", script], capture_output=True, text=True, check=False)
    if completed.returncode:
        return None
    return tuple(int(part) for part in completed.stdout.strip().split("."))


def requirements_file(environment, suffix):
    return os.path.join(CHECKOUT, "requirements", f"{environment.requirements}.{suffix}")


def stamp_content(directory, interpreter, lock_file):
    digest = hashlib.sha256(read(lock_file).encode()).hexdigest()
    return f"{digest}\n{os.path.realpath(interpreter)}\n{directory}\n"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def create(directory, interpreter, anew=False):
    """Make the environment, or keep one of the same Python: somebody may be running a program in it."""
    if not anew and usable(directory, interpreter):
        return
    if subprocess.run([interpreter, "-m", "venv", "--clear", directory], check=False).returncode:
        sys.exit(
            f"{interpreter} cannot make a virtual environment. On Debian and Ubuntu its module venv is a package of "
            "its own: apt-get install python3-venv"
        )


def usable(directory, interpreter):
    python = os.path.join(directory, "bin", "python")
    if not os.path.exists(python) or version_of(python) != version_of(interpreter):
        return False
    return not subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode


def remove_others(directory, lock_file):
    """Remove what the lock file no longer names."""
    python = os.path.join(directory, "bin", "python")
    listed = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    wanted = names(read(lock_file))
    others = [name for name in names(listed) if name not in wanted]
    if others:
        pip(directory, "uninstall", "--quiet", "--yes", *others)


def names(requirements):
    """Names of packages, from lines such as name==1.0, in the one form that compares."""
    lines = (line for line in requirements.splitlines() if "==" in line)
    return [line.partition("==")[0].strip().lower().replace("_", "-").replace(".", "-") for line in lines]


def pip(directory, *arguments):
    command = [os.path.join(directory, "bin", "python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"pip could not make {directory}: its message is above. Run the same command again once it can work.")


def write_lock(directory, interpreter, environment):
    create(directory, interpreter, anew=True)
    direct = requirements_file(environment, "in")
    pip(directory, "install", "--quiet", "--requirement", direct)
    python = os.path.join(directory, "bin", "python")
    frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    with open(requirements_file(environment, "txt"), "w", encoding="utf-8") as file:
        file.write(LICENCE_LINES)
        file.write(f"# Made by `make requirements` from {environment.requirements}.in; do not edit.\n")
        file.write(frozen)


if __name__ == "__main__":
    main()
