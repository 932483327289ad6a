# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation into ``build/docs/html``: the pages of ``docs/`` and a page for each module, plugin and role.

``.venv-checks/bin/python .ci/docs.py``. Anything that Sphinx warns of fails the build.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build/docs"
SOURCE = BUILD / "source"
BIN = Path(sys.executable).parent

CONF = """\
project = "gitops.fleet"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "240px"}
myst_heading_anchors = 3
exclude_patterns = ["reference/index.rst"]
# Links to files of the repository that are no pages here.
suppress_warnings = ["myst.xref_missing"]
"""

# Labels of Ansible's own documentation to which antsibull-docs refers: this build does not load its index.
ANSIBLE = {
    "action_plugins": ("Action plugins", "plugins/action.html"),
    "ansible_configuration_settings": ("Configuration settings", "reference_appendices/config.html"),
    "common_return_values": ("Common return values", "reference_appendices/common_return_values.html"),
    "inventory_plugins": ("Inventory plugins", "plugins/inventory.html"),
}

INDEX = """\
gitops.fleet
============

.. toctree::
   :maxdepth: 1
   :caption: Guides

   {guides}

.. toctree::
   :maxdepth: 1
   :caption: Reference

   {reference}
   ansible
"""


def main() -> int:
    shutil.rmtree(BUILD, ignore_errors=True)
    (SOURCE / "reference").mkdir(parents=True)
    reference = reference_pages()
    guides = guide_pages()
    (SOURCE / "conf.py").write_text(CONF, encoding="utf-8")
    text = INDEX.format(guides="\n   ".join(guides), reference="\n   ".join(reference))
    (SOURCE / "index.rst").write_text(text, encoding="utf-8")
    (SOURCE / "ansible.rst").write_text(ansible_page(), encoding="utf-8")
    html = BUILD / "html"
    command = [BIN / "sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "-b", "html", SOURCE, html]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        print(f"{len(guides)} guides and {len(reference)} pages of reference: {html / 'index.html'}")
    return code


def reference_pages() -> list[str]:
    """Have antsibull-docs write a page for each plugin and role. Returns their names."""
    command = [
        BIN / "antsibull-docs",
        *("collection", "--use-current", "--squash-hierarchy", "--fail-on-error"),
        *("--dest-dir", SOURCE / "reference", "gitops.fleet"),
    ]
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    pages = sorted(path.stem for path in (SOURCE / "reference").glob("*_*.rst"))
    wanted = [*(CHECKOUT / "plugins/modules").glob("*.py"), *(CHECKOUT / "plugins/inventory").glob("*.py")]
    missing = [path.stem for path in wanted if not any(page.startswith(path.stem) for page in pages)]
    if missing:
        sys.exit(f"antsibull-docs wrote no page for {', '.join(missing)}")
    return [f"reference/{page}" for page in pages]


def ansible_page() -> str:
    title = "Ansible's own documentation"
    parts = [f"{title}\n{'=' * len(title)}\n"]
    for label, (name, path) in ANSIBLE.items():
        url = f"https://docs.ansible.com/ansible/latest/{path}"
        parts.append(f".. _{label}:\n\n{name}\n{'-' * len(name)}\n\n`{name} <{url}>`__\n")
    return "\n".join(parts)


def guide_pages() -> list[str]:
    for name in ("README.md", "CONTRIBUTING.md"):
        if (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, SOURCE / name)
    for page in (CHECKOUT / "docs").rglob("*.md"):
        target = SOURCE / "docs" / page.relative_to(CHECKOUT / "docs")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, target)
    return sorted(str(path.relative_to(SOURCE).with_suffix("")) for path in SOURCE.rglob("*.md"))


if __name__ == "__main__":
    sys.exit(main())
