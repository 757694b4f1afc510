"""Installs pinned tools into virtual environments of the project: `tools.py SET...`, or import it and call `use(SET)`.

The sets are `deploy`, `build` and `check`, each locked in infra/requirements-SET.txt, so that a command installs only what
it needs.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".local" / "tools"
SIZES = {"deploy": "55 MB", "build": "430 MB", "check": "250 MB"}


class Set:
    def __init__(self, name):
        self.name = name
        self.lock = ROOT / "infra" / f"requirements-{name}.txt"
        self.venv = FOLDER / name
        self.python = self.venv / "bin" / "python3"
        # A copy of the lock file, written last. If it is missing or different, the venv is incomplete or outdated.
        self.installed = self.venv / "installed.txt"

    def is_installed(self):
        # If the system's Python was upgraded, the venv's Python may be a dangling link, which does not exist here.
        return (
            self.python.exists() and self.installed.exists() and self.installed.read_bytes() == self.lock.read_bytes()
        )

    def install(self):
        if self.is_installed():
            return
        if sys.version_info < (3, 10):
            version = sys.version.split()[0]
            sys.exit(f"python3 is version {version}, and the tools need 3.10 or newer. Put a newer one first on PATH.")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with open(FOLDER / f"{self.name}.lock", "w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if self.is_installed():  # by another process, while this one waited for the lock
                return
            where = self.venv.relative_to(ROOT)
            print(f"Installing pinned tools into {where} (once, about {SIZES[self.name]})…", file=sys.stderr)
            shutil.rmtree(self.venv, ignore_errors=True)
            # Not sys.executable, which may be in the venv that was just removed.
            base = getattr(sys, "_base_executable", sys.executable)
            run(
                [base, "-m", "venv", self.venv],
                "python3 can't create a venv. Install your system's package for that (on Debian: python3-venv).",
            )
            pip = [self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
            run(
                [*pip, "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", self.lock],
                "The tools could not be installed; see pip's message above. Run the same command again to retry.",
            )
            shutil.copyfile(self.lock, self.installed)


def use(name):
    """Continues in the venv: restarts the script with the venv's Python, installing the tools first if necessary."""
    wanted = Set(name)
    if Path(sys.prefix) == wanted.venv and wanted.is_installed():
        return
    wanted.install()
    os.execv(wanted.python, [str(wanted.python), *sys.argv])


def run(command, advice):
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit(advice)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Set(name).install()
