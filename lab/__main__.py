# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's commands; ``make lab-up``, ``make lab-down`` and ``make lab-status`` call them."""

import argparse
import shlex
import signal
import sys
from pathlib import Path

from . import binaries, contexts
from .components import ALL
from .errors import LabError
from .lab import STATE, Lab, say


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 1 when it failed, with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # be ended as by Ctrl-C, and clean up
    try:
        options.run(Lab(options.state), options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; the same command again goes on from here, `make lab-down` ends all", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab", description="Kubernetes control planes on loopback, without containers."
    )
    parser.add_argument("--state", type=Path, default=STATE, help="directory of the lab (default: build/lab)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="bring the clusters up, or repair them")
    up.add_argument("--clusters", type=int, metavar="N", help="how many (default: 4)")
    up.add_argument(
        "--contexts", default="", help="contexts of your own kubeconfig to use instead, separated by spaces"
    )
    up.set_defaults(run=_up)
    commands.add_parser("down", help="end the clusters and forget them").set_defaults(run=lambda lab, _: lab.down())
    commands.add_parser("status", help="show what runs").set_defaults(run=_status)
    commands.add_parser("env", help="print shell variables: eval $(python -m lab env)").set_defaults(run=_env)
    commands.add_parser("build", help="build the programs only").set_defaults(run=lambda *_: binaries.directory())
    commands.add_parser("vet", help="run go vet").set_defaults(run=lambda *_: binaries.vet())
    for name, run, text in (
        ("stop", _stop, "take the API server of one cluster away"),
        ("start", _start, "bring it back"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("cluster")
        command.set_defaults(run=run)
    return parser


def _up(lab: Lab, options: argparse.Namespace) -> None:
    if options.contexts:
        clusters = contexts.describe(options.contexts.split())
        lab.describe_contexts(clusters)
        for cluster in clusters:
            labels = ", ".join(f"{name}={value}" for name, value in cluster["labels"].items()) or "no labels"
            say(f"{cluster['name']} is the context {cluster['context']} of {cluster['kubeconfig']} ({labels})")
    else:
        lab.up(options.clusters)
    say(f"inventory of the clusters: {lab.inventory}")


def _status(lab: Lab, _options: argparse.Namespace) -> None:
    for cluster in lab.clusters():
        missing = [component.name for component in ALL if not cluster.is_running(component)]
        state = f"without {', '.join(missing)}" if missing else "up"
        labels = ",".join(f"{name}={value}" for name, value in cluster.specification.labels.items())
        print(f"{cluster.name:10} {cluster.url:24} {labels or '-':24} {state}")


def _env(lab: Lab, _options: argparse.Namespace) -> None:
    programs = binaries.directory()
    print(f"export PATH={shlex.quote(str(programs))}:$PATH")
    print(f"export FLEET_HELM={shlex.quote(str(programs / 'helm4'))}")
    print(f"export KUBECONFIG={shlex.quote(str(lab.kubeconfig))}")


def _stop(lab: Lab, options: argparse.Namespace) -> None:
    lab.cluster(options.cluster).stop_api_server()
    say(f"{options.cluster} cannot be reached now; `python -m lab start {options.cluster}` brings it back")


def _start(lab: Lab, options: argparse.Namespace) -> None:
    cluster = lab.cluster(options.cluster)
    cluster.start_api_server(binaries.directory())
    say(f"{cluster.name} is up at {cluster.url}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
