"""Keeps the pinned tools (requirements.txt) in a venv of the project's own: run it, or import it and `use()` them."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "infra" / "requirements.txt"
VENV = ROOT / ".local" / "tools"
PYTHON = VENV / "bin" / "python3"
# A copy of the lock, written last: without it, or with another, what is in the folder is half-finished or outdated.
INSTALLED = VENV / "installed.txt"


def use():
    """Goes on in the venv: the same script, started again with the venv's Python."""
    if Path(sys.prefix) == VENV and is_installed():
        return
    install()
    os.execv(PYTHON, [str(PYTHON), *sys.argv])


def is_installed():
    # A venv whose Python was upgraded away is a dangling link: not there.
    return PYTHON.exists() and INSTALLED.exists() and INSTALLED.read_bytes() == LOCK.read_bytes()


def install():
    if is_installed():
        return
    if sys.version_info < (3, 10):
        sys.exit(f"python3 is {sys.version.split()[0]} here, and the tools need 3.10 or newer. Put one first on PATH.")
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.parent / "tools.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if is_installed():  # by someone else, while we waited for our turn
            return
        print("Installing the pinned tools into .local/tools (once, about 700 MB)…", file=sys.stderr)
        shutil.rmtree(VENV, ignore_errors=True)
        # Not sys.executable: that may be the very venv just removed.
        base = getattr(sys, "_base_executable", sys.executable)
        run(
            [base, "-m", "venv", VENV],
            "python3 cannot make a venv: install your system's package for that (on Debian: python3-venv).",
        )
        pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        run(
            [*pip, "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", LOCK],
            "The tools could not be installed; what pip said stands above. Run the same command again to try again.",
        )
        shutil.copyfile(LOCK, INSTALLED)


def run(command, advice):
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit(advice)


if __name__ == "__main__":
    install()
