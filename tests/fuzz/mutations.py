# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to good files to make bad ones: to texts, and to trees of files with links."""

import random
import re
from dataclasses import dataclass, field

ODD_TEXTS = [
    *("&a [*a]", "*nowhere", "!!python/object/apply:os.system [x]", "!!binary ?", "<<: *x", "{", "[", "]", "}", "- "),
    *(
        "? ",
        "|",
        ">",
        "'",
        '"',
        "%YAML 9.9",
        "---",
        "...",
        "\t",
        "\0",
        "\x1b[2J",
        "\ufeff",
        "\ud800",
        "ünï",
        "~",
        "null",
    ),
    *("~", "null", "y", "on", "1e999", "-0", ".nan", "0x1F", "0o7", "1_000", "99999999999999999999999", "2001-01-01"),
    *(
        "${ .ClusterLabels.x }",
        "${ fail }",
        "{{ fail }}",
        "${",
        "global.fleet.clusterLabels.",
        "a: b: c",
        "=",
        "!",
        "@",
    ),
    *("#", ": :", "a: b: c", "/", "../..", "a/../../b", "/etc/passwd", "*", "[a", "`", ","),
    *("x" * 5_000, "[" * 2_000, "{a: " * 500, "- " * 500),
]

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Each line is nine times the one before: 400 million leaves, should anybody count them."""

ODD_NAMES = [
    *("-o", "--help", " ", "a b", "*", "[", "\n", "$(x)", "ünï.yaml", "\udcff", "x" * 300, ".fleetignore", ".hidden"),
    *("fleet.yaml", "fleet.yml", "Chart.yaml", "values.yaml", "requirements.yaml", "kustomization.yaml", "x.json"),
    *("templates", "overlays", "charts", "crds", "a_patch.yaml", "..yaml", "README", "a.tgz"),
]

ODD_LINKS = [
    *("..", ".", "/etc/passwd", "../../../etc/passwd", "nowhere", "web", "web/Chart.yaml", "raw/a.yaml", "self", ""),
]


def mutate_text(random: random.Random, text: str) -> bytes:
    """The text with a few things wrong in it."""
    if random.random() < 0.01:
        return (BOMB + text).encode()
    for _time in range(random.choice([1, 1, 1, 2, 4])):
        text = random.choice(_TEXT_MUTATIONS)(random, text)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if data and random.random() < 0.1:
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def _insert(random: random.Random, text: str) -> str:
    at = random.randint(0, len(text))
    return text[:at] + random.choice(ODD_TEXTS) + text[at:]


def _replace_value(random: random.Random, text: str) -> str:
    values = list(re.finditer(r"(?<=: )[^\n{}\[\]]+", text))
    if not values:
        return text
    value = random.choice(values)
    return text[: value.start()] + random.choice(ODD_TEXTS) + text[value.end() :]


def _swap_keys(random: random.Random, text: str) -> str:
    keys = sorted(set(re.findall(r"[A-Za-z]+(?=:)", text)))
    if len(keys) < 2:
        return text
    one, other = random.sample(keys, 2)
    return re.sub(rf"\b{one}(?=:)", other, text, count=random.randint(0, 1))


def _lines(random: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines[at] = " " * random.randint(1, 4) + lines[at]
        case 3:
            lines[at] = lines[at].lstrip()
        case 4:
            lines.insert(random.randrange(len(lines)), lines.pop(at))
    return "\n".join(lines)


def _cut(random: random.Random, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + text[start + random.randint(0, 40) :]


def _case(random: random.Random, text: str) -> str:
    keys = re.findall(r"[A-Za-z]+(?=:)", text)
    if not keys:
        return text
    key = random.choice(keys)
    return text.replace(f"{key}:", f"{random.choice([key.upper(), key.lower(), key.title()])}:", 1)


def _repeat(random: random.Random, text: str) -> str:
    return text * random.choice([2, 2, 2, 30])


_TEXT_MUTATIONS = [_insert, _insert, _replace_value, _replace_value, _swap_keys, _lines, _lines, _cut, _case, _repeat]


@dataclass
class Files:
    """A tree: contents and links by their paths."""

    contents: dict[str, bytes]
    links: dict[str, str] = field(default_factory=dict)


def mutate_tree(random: random.Random, files: Files) -> Files:
    """The tree with one to six things wrong in it. No path is a file and a directory, or leaves the tree."""
    contents, links = dict(files.contents), dict(files.links)
    for _time in range(random.randint(1, 6)):
        path = random.choice(sorted(contents))
        directory = path.rpartition("/")[0]
        name = random.choice(ODD_NAMES)
        beside = f"{directory}/{name}" if directory and random.random() < 0.8 else name
        match random.randrange(8):
            case 0:
                if len(contents) > 1:
                    del contents[path]
            case 1:
                contents[beside] = contents.pop(path)
            case 2:
                contents[beside] = contents[random.choice(sorted(contents))]
            case 3:
                links[beside] = random.choice([*ODD_LINKS, random.choice(sorted(contents))])
            case 4:
                contents[path] = mutate_text(random, contents[path].decode("utf-8", "replace"))
            case 5:
                contents[path] = random.choice([b"", b"\0", random.randbytes(300), b"\x1f\x8b" + random.randbytes(50)])
            case 6:
                deep = "/".join(["d"] * random.choice([1, 3, 60]))
                contents[f"{deep}/{path}"] = contents[path]
            case 7:
                patterns = "".join(f"{random.choice([*ODD_NAMES, *ODD_TEXTS])}\n" for _pattern in range(3))
                contents[f"{directory}/.fleetignore" if directory else ".fleetignore"] = patterns.encode(
                    "utf-8", "surrogatepass"
                )
    return _possible(contents, links)


def _possible(contents: dict[str, bytes], links: dict[str, str]) -> Files:
    directories: set[str] = set()
    for path in (*contents, *links):
        parts = path.split("/")
        directories.update("/".join(parts[:end]) for end in range(1, len(parts)))
    return Files(
        {path: content for path, content in contents.items() if path not in directories and path not in links},
        {path: target for path, target in links.items() if path not in directories},
    )
