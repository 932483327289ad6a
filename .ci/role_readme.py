# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of variables in each role's README from ``meta/argument_specs.yml``.

``--check`` writes nothing, and fails if a README differs. Needs PyYAML.
"""

import re
import sys
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
BEGIN = "<!-- variables: made from meta/argument_specs.yml by `make format` -->\n"
END = "<!-- end of variables -->\n"

# What Ansible's markup becomes in Markdown.
MARKUP = re.compile(r"\b[CVOEIB]\(([^)]*)\)")
MODULE = re.compile(r"\b[MP]\(([^)#]*)[^)]*\)")


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for readme in sorted(ROLES.glob("*/README.md")):
        text = readme.read_text(encoding="utf-8")
        before, _begin, rest = text.partition(BEGIN)
        _old, _end, after = rest.partition(END)
        if not after:
            sys.exit(f"{readme}: it needs the lines\n{BEGIN}{END}")
        wanted = before + BEGIN + table(readme.parent) + END + after
        if wanted != text:
            stale.append(readme)
            if not check:
                readme.write_text(wanted, encoding="utf-8")
    for readme in stale if check else []:
        print(f"{readme.relative_to(ROLES.parent)} is not what meta/argument_specs.yml says: run `make format`")
    return 1 if check and stale else 0


def table(role: Path) -> str:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    lines = ["", "| Variable | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
    for name, option in specs["argument_specs"]["main"]["options"].items():
        cells = [f"`{name}`", kind(option), default(option), meaning(option)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", ""])


def kind(option: dict) -> str:
    return f"list of {option['elements']}" if option["type"] == "list" else option["type"]


def default(option: dict) -> str:
    if option.get("required"):
        return "required"
    value = option["default"]
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value!r}`".replace("'", '"')


def meaning(option: dict) -> str:
    text = " ".join(" ".join(option["description"]).split())
    if option.get("no_log"):
        text += " Secret."
    return MARKUP.sub(r"`\1`", MODULE.sub(r"`\1`", text))


if __name__ == "__main__":
    sys.exit(main())
