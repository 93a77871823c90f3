"""What is installed is what was locked: few direct dependencies, and each file by its hash."""

import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
STAMPS = sorted(set(re.findall(r"\.[\w/.]+stamp\b", (ROOT / "Makefile").read_text())))
OURSELVES = " --no-deps --no-build-isolation --editable ."  # takes this folder and nothing else
WHEEL = {
    "kopi.py": "",
    "kopi-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: kopi\nVersion: 1.0\n",
    "kopi-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "kopi-1.0.dist-info/RECORD": "",
}


def installs() -> set[str]:
    """Return the commands of a new machine, each without its lock and its target."""
    make = ["make", "--dry-run", "--always-make", *STAMPS]
    told = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    return {
        re.sub(r" (-r|--target) \S+", "", line)
        for line in told.stdout.splitlines()
        if " install " in line and not line.endswith(OURSELVES)
    }


def locked(text: str) -> list[str]:
    """Return the requirements of a lock, one a line."""
    return re.findall(r"^[^\s#].*", text.replace("\\\n", " "), re.MULTILINE)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The smallest that can be installed, in a folder that serves as the index."""
    path = tmp_path / "kopi-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, text in WHEEL.items():
            archive.writestr(name, text)
    return path


def refusal(command: str, wheel: Path, requirement: str) -> str:
    """Run that command on this requirement instead; return why it was refused, "" if it was not."""
    lock = wheel.with_name("lock.txt")
    lock.write_text(requirement)
    offline = ["--no-index", "--find-links", str(wheel.parent)]
    with TemporaryDirectory() as site:
        done = subprocess.run(
            [*command.split(), *offline, "--target", site, "-r", lock],
            check=False,
            cwd=ROOT,
            env={**os.environ, "PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert Path(site, "kopi.py").exists() == (done.returncode == 0), done.stderr
    return done.stderr if done.returncode else ""


def test_h58_the_number_of_direct_dependencies_stays_small() -> None:
    project = (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2]

    assert project.partition("]\n\n")[0].count(">=") <= 25


def test_h58_every_locked_requirement_has_its_version_and_its_hash() -> None:
    requirements = [line for lock in LOCKS for line in locked(lock.read_text())]
    pinned = re.compile(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}\b")

    assert len(requirements) > len(LOCKS)
    assert [line for line in requirements if not pinned.match(line)] == []


def test_h58_a_changed_or_a_missing_hash_stops_every_install(wheel: Path) -> None:
    right = sha256(wheel.read_bytes()).hexdigest()
    wrong = right[::-1]
    commands = installs()

    assert commands
    for command in commands:
        assert refusal(command, wheel, f"kopi==1.0 --hash=sha256:{right}") == ""
        assert wrong in refusal(command, wheel, f"kopi==1.0 --hash=sha256:{wrong}"), command
        assert "--require-hashes" in refusal(command, wheel, "kopi==1.0"), command
