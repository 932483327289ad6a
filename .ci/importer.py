# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Galaxy's importer on the collection's archive, and fail on errors as well as on warnings.

``.venv-importer/bin/python .ci/importer.py build/gitops-fleet-0.1.0.tar.gz``
"""

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
CONFIG = """\
[galaxy-importer]
LOG_LEVEL_MAIN = INFO
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = True
RUN_ANSIBLE_TEST = False
RUN_FLAKE8 = False
CHECK_REQUIRED_TAGS = True
"""
# ansible-test has a part of its own (`make sanity`); the importer would want a container for it.


def main() -> int:
    archive = Path(sys.argv[1]).resolve()
    directory = CHECKOUT / "build/importer"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config").write_text(CONFIG, encoding="utf-8")
    environment = os.environ | {
        "GALAXY_IMPORTER_CONFIG": str(directory / "config"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # Galaxy knows the dependencies; here they lie beside the link to the checkout.
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build/collections"),
    }
    completed = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(archive)],
        cwd=directory,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    print(completed.stdout, end="")
    complaints = re.findall(r"^(?:ERROR|WARNING):.*$", completed.stdout, re.MULTILINE)
    if completed.returncode or complaints or "Importer processing completed successfully" not in completed.stdout:
        print(f"The importer does not take {archive.name} as it is ({len(complaints)} complaints)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
