"""A function's process: starts, measures, freezes and kills it together with its children, and keeps its output."""

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
        """Raises OSError with the kernel's reason if the command cannot be started."""
        self.peak_bytes = 0
        self.out_of_memory = False
        self._limit_bytes = memory_mb * MIB
        # A file rather than a pipe: output written before a request to the Runtime API can be read when that request
        # arrives, long output does not block, and leftover children do not keep a pipe open.
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
        """Returns the exit reason in Lambda's wording."""
        status = self._popen.returncode
        if status > 0:
            return f"Runtime exited with error: exit status {status}"
        if status < 0:
            return f"Runtime exited with error: signal: {signal.strsignal(-status).lower()}"
        return "Runtime exited without providing a reason"

    def take_output(self) -> str:
        """Returns the output written since the last call."""
        fresh = bytearray()
        while block := os.pread(self._output.fileno(), MIB, self._output_read + len(fresh)):
            fresh += block
        self._output_read += len(fresh)
        return fresh.decode(errors="replace")

    def freeze(self) -> None:
        """Stops the process between invocations, as Lambda does: background work continues with the next event."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        # First every descendant by pid, because a child with its own process group is not in ours.
        for pid in list(self._process_tree()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)

    def measure_memory(self) -> None:
        """Measures the memory of the process and its children, and kills them if it exceeds the limit.

        getrusage() would be simpler, but its maximum starts with that of LocalStack, which forked the process. PSS
        would count shared pages once, but for a process that has made itself undumpable only root can read it.
        """
        private, shared = 0, 0
        for pid in self._process_tree():
            with contextlib.suppress(OSError, ValueError):
                if _has_not_executed_yet(pid):
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
                # Parent and child are often the same program, whose pages are shared.
                shared = max(shared, sizes["RssFile"])
                # Includes the peak between two measurements, at least for a single process.
                self.peak_bytes = max(self.peak_bytes, sizes["VmHWM"])
        self.peak_bytes = min(max(self.peak_bytes, private + shared), self._limit_bytes)
        if private > self._limit_bytes:  # without file pages, which the kernel could have reclaimed
            self.out_of_memory = True
            self.kill()

    def _process_tree(self) -> Iterator[int]:
        pids = [] if self.exited else [self._popen.pid]
        while pids:
            pid = pids.pop()
            yield pid
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children") as children:
                        pids += map(int, children.read().split())


def _has_not_executed_yet(pid: int) -> bool:
    """Returns whether a child was forked but has not executed its program: its memory is its parent's until then."""
    with open(f"/proc/{pid}/stat") as stat:
        flags = stat.read().rpartition(")")[2].split()[6]
    return bool(int(flags) & PF_FORKNOEXEC)
