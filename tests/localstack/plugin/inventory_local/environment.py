"""Lambda's execution environment: one process at a time, restarted after it ended, and its invocations."""

import enum
import os
import shutil
import tempfile
import threading
import time

from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from inventory_local.process import FunctionProcess
from inventory_local.report import Failure, Report
from inventory_local.runtime_api import Invocation, RuntimeApi

# Lambda's limit, independent of the function's own timeout.
INIT_LIMIT_SECONDS = 10
# How often memory is measured and an exit is noticed. Calls of the process to its API are noticed immediately.
POLL_SECONDS = 0.02


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        return Environment


class Outcome(enum.Enum):
    DONE = enum.auto()
    REFUSED = enum.auto()  # the process reported that it cannot start
    UNSTARTABLE = enum.auto()
    EXITED = enum.auto()
    TIMED_OUT = enum.auto()


class Environment(RuntimeExecutor):
    @classmethod
    def prepare_version(cls, function_version):
        code = function_version.config.code
        code.prepare_for_execution()
        if not os.path.isfile(code.get_unzipped_code_location() / "bootstrap"):
            # The function's state becomes Failed, with this as its reason.
            raise FileNotFoundError("the archive has no file named bootstrap at its root")

    @classmethod
    def cleanup_version(cls, function_version):
        # The unzipped code must not be deleted here: $LATEST and published versions share it, and LocalStack deletes
        # it with the last of them.
        pass

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self._config = function_version.config
        self._folder = str(function_version.config.code.get_unzipped_code_location())
        self._busy = threading.Lock()
        self._process: FunctionProcess | None = None
        self._api: RuntimeApi | None = None
        self._init_seconds: float | None = None
        self._start_error = ""
        self._peak_bytes = 0

    def start(self, env_vars):
        self._scratch = tempfile.mkdtemp(prefix="environment-")
        tmp = os.path.join(self._scratch, "tmp")  # outlives a crash, as /tmp does on Lambda
        os.mkdir(tmp)
        own = self._config.environment or {}
        # LocalStack's own variables are for the program in its containers, and a custom runtime on Lambda has no
        # AWS_EXECUTION_ENV.
        given = {
            name: str(value)
            for name, value in env_vars.items()
            if name in own or not (name.startswith("LOCALSTACK_") or name in ("EDGE_PORT", "AWS_EXECUTION_ENV"))
        }
        self._env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "LANG": "en_US.UTF-8",
            "HOME": tmp,
            "TMPDIR": tmp,
            **given,
            "LAMBDA_TASK_ROOT": self._folder,
        }
        # If this fails, Lambda retries it as part of the first invocation, and so does invoke(), which also has a place
        # to put the log.
        began = time.perf_counter()
        if self._start_process(INIT_LIMIT_SECONDS) is Outcome.DONE:
            self._init_seconds = time.perf_counter() - began

    def stop(self):
        if self._busy.locked():
            # Deleted or updated during an invocation: Lambda lets the invocation finish, but LocalStack must not be
            # blocked until then.
            threading.Thread(target=self._stop_when_idle, daemon=True).start()
        else:
            self._stop_when_idle()

    def _stop_when_idle(self):
        with self._busy:
            self._end_process()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def invoke(self, payload):
        with self._busy:
            return self._invoke(
                Invocation(
                    request_id=payload["invoke-id"],
                    payload=payload["payload"].encode(),
                    function_arn=payload["invoked-function-arn"],
                    trace_id=payload["trace-id"],
                )
            )

    def _invoke(self, invocation: Invocation) -> InvocationResult:
        began = time.perf_counter()
        deadline = began + self._config.timeout
        invocation.deadline_ms = int((time.time() + self._config.timeout) * 1000)
        report = Report(
            request_id=invocation.request_id,
            version=self.function_version.id.qualifier,
            memory_mb=self._config.memory_size,
            as_json=(self._config.logging_config or {}).get("LogFormat") == "JSON",
        )
        outcome = Outcome.DONE
        if self._process is None or self._process.exited:
            report.before = self._end_process()
            outcome = self._start_process(self._config.timeout)
        else:
            report.before = self._process.take_output()
            if self._init_seconds is not None:
                report.init_ms, self._init_seconds = self._init_seconds * 1000, None

        if outcome is Outcome.DONE:
            outcome = self._run(invocation, deadline - time.perf_counter())
        report.failure = self._failure(outcome, invocation.request_id)
        report.output = self._end_process() if report.failure else self._process.take_output()
        report.peak_bytes = self._peak_bytes
        report.duration_ms = (
            self._config.timeout if outcome is Outcome.TIMED_OUT else time.perf_counter() - began
        ) * 1000
        return InvocationResult(
            invocation.request_id,
            payload=report.failure.payload if report.failure else invocation.answer,
            is_error=bool(report.failure) or invocation.failed,
            logs=report.log(),
        )

    def _failure(self, outcome: Outcome, request_id: str) -> Failure | None:
        match outcome:
            case Outcome.REFUSED:
                return Failure.reported_in_init(self._api.init_error)
            case Outcome.TIMED_OUT:
                return Failure.timed_out(request_id, self._config.timeout)
            case Outcome.UNSTARTABLE:
                return Failure.of_runtime("Runtime.InvalidEntrypoint", request_id, self._start_error)
            case Outcome.EXITED:
                error_type = "Runtime.OutOfMemory" if self._process.out_of_memory else "Runtime.ExitError"
                return Failure.of_runtime(error_type, request_id, self._process.exit_reason())
        return None

    # The process

    def _start_process(self, seconds: float) -> Outcome:
        """Unless the outcome is DONE, the process is killed; its API and exit status remain and say what happened."""
        self._api = RuntimeApi()
        env = self._env | {"AWS_LAMBDA_RUNTIME_API": self._api.address}
        command = os.path.join(self._folder, "bootstrap")
        try:
            self._process = FunctionProcess(command, env, self._folder, self._scratch, self._config.memory_size)
        except OSError as error:  # built for another architecture, or a script without its interpreter
            self._start_error = str(error)
            self._api.close()
            return Outcome.UNSTARTABLE
        outcome = self._wait_until(lambda: self._api.waiting or self._api.init_error is not None, seconds)
        if outcome is Outcome.DONE and self._api.init_error is not None:
            outcome = Outcome.REFUSED
        if outcome is Outcome.DONE:
            self._process.freeze()
        else:
            self._process.kill()
        return outcome

    def _run(self, invocation: Invocation, seconds: float) -> Outcome:
        self._process.thaw()
        self._api.deliver(invocation)
        # Finished when the process asks for its next event rather than when it has answered: only then has it
        # written its whole log.
        outcome = self._wait_until(lambda: invocation.answer is not None and self._api.waiting, seconds)
        if outcome is Outcome.EXITED and invocation.answer is not None:
            return Outcome.DONE  # the answer has been sent; the next event starts a new process
        if outcome is Outcome.DONE:
            self._process.freeze()
        return outcome

    def _wait_until(self, settled, seconds: float) -> Outcome:
        deadline = time.monotonic() + seconds
        with self._api.changed:
            while not settled():
                if self._process.exited:
                    return Outcome.EXITED
                if time.monotonic() >= deadline:
                    return Outcome.TIMED_OUT
                self._api.changed.wait(POLL_SECONDS)
                self._measure_memory()
        self._measure_memory()
        return Outcome.DONE

    def _measure_memory(self) -> None:
        self._process.measure_memory()
        self._peak_bytes = max(self._peak_bytes, self._process.peak_bytes)

    def _end_process(self) -> str:
        """Kills the process and returns its remaining output."""
        if self._process is None:
            return ""
        process, self._process = self._process, None
        process.kill()
        self._api.close()
        return process.take_output()

    # Methods that only make sense for containers.

    def get_logs(self):
        return ""

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return ""
