"""A function's process: start it, weigh it, freeze it, keep its output, end it with its children."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator

KIB, MIB = 1024, 1024 * 1024
PF_FORKNOEXEC = 0x40


class FunctionProcess:
    def __init__(self, command: str, env: dict[str, str], folder: str, scratch: str, memory_mb: int):
        """Raises OSError when the command cannot be started, with the kernel's reason."""
        self.peak_bytes = 0
        self.out_of_memory = False
        self._limit_bytes = memory_mb * MIB
        # A file rather than a pipe: what was written before a request on the Runtime API can be read when
        # that request arrives, nothing blocks when it is long, and children that stay behind hold nothing open.
        self._output = tempfile.TemporaryFile(dir=scratch)
        self._output_read = 0
        self._popen = subprocess.Popen(
            [command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def exited(self) -> bool:
        return self._popen.poll() is not None

    def exit_reason(self) -> str:
        """In the words Lambda uses."""
        status = self._popen.returncode
        if status > 0:
            return f"Runtime exited with error: exit status {status}"
        if status < 0:
            return f"Runtime exited with error: signal: {signal.strsignal(-status).lower()}"
        return "Runtime exited without providing a reason"

    def take_output(self) -> str:
        """All that was written since the last call."""
        fresh = bytearray()
        while block := os.pread(self._output.fileno(), MIB, self._output_read + len(fresh)):
            fresh += block
        self._output_read += len(fresh)
        return fresh.decode(errors="replace")

    def freeze(self) -> None:
        """Between invocations Lambda stops the clock: what a function left running goes on with the next event."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        # Children first seen from here, because one that has a process group of its own is not in ours.
        for pid in list(self._family()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)

    def weigh(self) -> None:
        """Notes how much memory the process and its children use, and kills them when it is more than they may.

        getrusage() would be simpler, but its maximum starts with that of LocalStack, which forked the process. PSS
        would count shared pages once, but a process that has made itself unreadable shows it to root alone.
        """
        private, shared = 0, 0
        for pid in self._family():
            with contextlib.suppress(OSError, ValueError):
                if _has_yet_to_exec(pid):
                    continue
                with open(f"/proc/{pid}/status") as status:
                    sizes = {
                        name: int(value.split()[0]) * KIB
                        for name, _, value in (line.partition(":") for line in status)
                        if name in ("VmHWM", "RssAnon", "RssFile", "RssShmem")
                    }
                if not sizes:  # a zombie
                    continue
                private += sizes["RssAnon"] + sizes["RssShmem"]
                # Parent and child are often the same program, whose pages are in memory once.
                shared = max(shared, sizes["RssFile"])
                # Catches the peak between two looks, for one process at least.
                self.peak_bytes = max(self.peak_bytes, sizes["VmHWM"])
        self.peak_bytes = min(max(self.peak_bytes, private + shared), self._limit_bytes)
        if private > self._limit_bytes:  # pages of files the kernel could have taken back
            self.out_of_memory = True
            self.kill()

    def _family(self) -> Iterator[int]:
        pids = [] if self.exited else [self._popen.pid]
        while pids:
            pid = pids.pop()
            yield pid
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children") as children:
                        pids += map(int, children.read().split())


def _has_yet_to_exec(pid: int) -> bool:
    """Until a child starts its program, it shows its parent's memory as its own."""
    with open(f"/proc/{pid}/stat") as stat:
        flags = stat.read().rpartition(")")[2].split()[6]
    return bool(int(flags) & PF_FORKNOEXEC)
