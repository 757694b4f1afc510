"""What Lambda reports about an invocation: its log lines, and the response if the function gave none."""

import dataclasses
import datetime
import json
import math

from inventory_local.process import MIB


@dataclasses.dataclass
class Failure:
    """An invocation that was ended by the platform, not by the function."""

    error_type: str
    payload: bytes
    log: str
    status: str = "error"

    @classmethod
    def reported_in_init(cls, payload: bytes) -> "Failure":
        try:
            error_type = json.loads(payload)["errorType"]
        except (ValueError, KeyError, TypeError):
            error_type = "Runtime.Unknown"
        return cls(error_type, payload, log="")

    @classmethod
    def of_runtime(cls, error_type: str, request_id: str, reason: str) -> "Failure":
        message = f"RequestId: {request_id} Error: {reason}"
        return cls(error_type, _error(error_type, message), log=f"{message}\n{error_type}\n")

    @classmethod
    def timed_out(cls, request_id: str, seconds: float) -> "Failure":
        reason = f"Task timed out after {seconds:.2f} seconds"
        payload = _error("Sandbox.Timedout", f"RequestId: {request_id} Error: {reason}")
        return cls("Sandbox.Timedout", payload, f"{_now()} {request_id} {reason}\n\n", "timeout")


@dataclasses.dataclass
class Report:
    request_id: str
    version: str
    memory_mb: int
    as_json: bool
    before: str = ""  # written in the init phase, or since the last invocation
    output: str = ""
    init_ms: float | None = None
    duration_ms: float = 0.0
    peak_bytes: int = 0
    failure: Failure | None = None

    def log(self) -> str:
        output = _whole_lines(self.output) + (self.failure.log if self.failure else "")
        start, end = self._json_lines() if self.as_json else self._text_lines()
        return _whole_lines(self.before) + start + output + end

    @property
    def _billed_ms(self) -> int:
        return math.ceil(self.duration_ms + (self.init_ms or 0))

    @property
    def _peak_mb(self) -> int:
        return math.ceil(self.peak_bytes / MIB)

    def _text_lines(self) -> tuple[str, str]:
        facts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration_ms:.2f} ms",
            f"Billed Duration: {self._billed_ms} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {self._peak_mb} MB",
        ]
        if self.init_ms is not None:
            facts.append(f"Init Duration: {self.init_ms:.2f} ms")
        if self.failure:
            facts.append(f"Status: {self.failure.status}")
            if self.failure.status == "error":
                facts.append(f"Error Type: {self.failure.error_type}")
        start = f"START RequestId: {self.request_id} Version: {self.version}\n"
        return start, f"END RequestId: {self.request_id}\n" + "\t".join(facts) + "\t\n"

    def _json_lines(self) -> tuple[str, str]:
        """The lines for functions whose LoggingConfig says JSON."""
        metrics = {
            "durationMs": round(self.duration_ms, 3),
            "billedDurationMs": self._billed_ms,
            "memorySizeMB": self.memory_mb,
            "maxMemoryUsedMB": self._peak_mb,
        }
        if self.init_ms is not None:
            metrics["initDurationMs"] = round(self.init_ms, 3)
        report = {"requestId": self.request_id, "metrics": metrics, "status": "success"}
        if self.failure:
            report |= {"status": self.failure.status, "errorType": self.failure.error_type}
        start = {"requestId": self.request_id, "version": self.version}
        return _platform_line("platform.start", start), _platform_line("platform.report", report)


def _platform_line(kind: str, record: dict) -> str:
    return json.dumps({"time": _now(), "type": kind, "record": record}) + "\n"


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _now() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
