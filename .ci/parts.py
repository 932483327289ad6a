# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets one after another, time each, stop at the first that fails: ``python .ci/parts.py TARGET…``"""

import os
import subprocess
import sys
import time


def main() -> int:
    targets = sys.argv[1:]
    took: list[tuple[str, float]] = []
    failed = None
    for number, target in enumerate(targets, start=1):
        print(f"\n=== {target} ({number} of {len(targets)}) ===", flush=True)
        started = time.monotonic()
        code = subprocess.run([os.environ.get("MAKE", "make"), "--no-print-directory", target], check=False).returncode
        took.append((target, time.monotonic() - started))
        if code:
            failed = target
            break
    summary(targets, took, failed)
    return 1 if failed else 0


def summary(targets: list[str], took: list[tuple[str, float]], failed: str | None) -> None:
    print("\n=== Summary ===")
    for target, seconds in took:
        print(f"{target:<14} {'FAILED' if target == failed else 'ok':<8} {minutes(seconds):>8}")
    for target in targets[len(took) :]:
        print(f"{target:<14} not run")
    print(f"{'all':<14} {'FAILED' if failed else 'ok':<8} {minutes(sum(seconds for _target, seconds in took)):>8}")
    if failed:
        print(f"\nThe part that failed: {failed}. Run it alone with: make {failed}")
    print(f"{len(took) - bool(failed)} passed, {int(bool(failed))} failed", flush=True)


def minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


if __name__ == "__main__":
    sys.exit(main())
