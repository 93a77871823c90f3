"""
`make mutations`: plants each fault of this folder in a copy of the source; its tests must go red.

A patch begins with what it breaks and names its tests, one `Red:` line each. They are green on the
source as it is, or the run proves nothing; and red means that they judged, not that they broke.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).parent
RUN_LIMIT_S: Final = 300.0  # the slowest named tests wait in vain for 40 s
SHARE: Final = 0.9  # of the runs that must be red: a race may be won by chance
# What pytest says of a test that looked and was not content, or that waited for it in vain.
JUDGED: Final = ("assert ", "AssertionError", "Failed: DID NOT RAISE", "TimeoutError")


@dataclass(frozen=True, slots=True)
class Mutant:
    patch: Path
    title: str
    tests: Sequence[str]

    @property
    def name(self) -> str:
        return self.patch.stem


def mutant(patch: Path) -> Mutant:
    head, _, _ = patch.read_text().partition("\ndiff --git ")
    return Mutant(patch, head.partition("\n")[0], re.findall(r"^Red: (.+)$", head, re.MULTILINE))


MUTANTS: Final = tuple(map(mutant, sorted(FOLDER.glob("M*.patch"))))


def apply(patch: Path, tree: Path, *, dry: bool = False) -> None:
    """Raise CalledProcessError when it no longer fits; `dry` only looks."""
    check = ["--check"] if dry else []
    subprocess.run(["git", "apply", *check, patch], cwd=tree, check=True, timeout=RUN_LIMIT_S)


def outcomes(tests: Sequence[str], source: Path) -> Mapping[str, str]:
    """Run the tests against a source tree; return for each how it ended, a failure with its why."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rpfE", *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    told = re.findall(r"^(PASSED|ERROR|FAILED) (.+?)(?: - (.*))?$", ran.stdout, re.MULTILINE)
    ends = {test: word for word, test, _ in told}  # a red test may also fail its clean-up
    ends |= {test: why for word, test, why in told if word == "FAILED"}
    return {test: ends.get(test, "NOT COLLECTED") for test in tests}


def red_runs(mutant: Mutant, runs: int) -> tuple[int, str]:
    """Return in how many runs every named test was red, and what the first one said last."""
    with tempfile.TemporaryDirectory(prefix="pasar-mutant-") as folder:
        tree = Path(folder)
        shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__"))
        apply(mutant.patch, tree)
        ends = [outcomes(mutant.tests, tree / "src") for _ in range(runs)]
    red = sum(all(why.startswith(JUDGED) for why in each.values()) for each in ends)
    return red, "; ".join(dict.fromkeys(ends[-1].values()))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", metavar="NN", help="one of them: 01 to 10")
    asked.add_argument("--runs", type=int, default=1)
    options = asked.parse_args()
    chosen = [each for each in MUTANTS if options.only in {None, each.name.removeprefix("M")}]
    tests = [test for each in chosen for test in each.tests]
    if doubtful := {t: e for t, e in outcomes(tests, ROOT / "src").items() if e != "PASSED"}:
        print(f"not green without any mutation: {doubtful}")
        return 1
    caught = 0
    for each in chosen:
        red, why = red_runs(each, options.runs)
        caught += red >= SHARE * options.runs
        print(f"{each.title}\n     red in {red} of {options.runs}: {why[:200]}", flush=True)
    print(f"{caught} of {len(chosen)}")
    return int(not chosen or caught < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
