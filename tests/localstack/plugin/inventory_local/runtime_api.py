"""The Lambda Runtime API for one function process."""

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Lambda's limit for a synchronous response: 6 MiB plus some room for its envelope.
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100


@dataclasses.dataclass
class Invocation:
    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    deadline_ms: int = 0
    answer: bytes | None = None
    failed: bool = False


class RuntimeApi:
    """Serves exactly one process.

    If a process shared it with its successor, the long poll of the dead process would still be waiting here and
    swallow the next event.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting = False  # the process is waiting in /next for an event
        self.init_error: bytes | None = None
        self._current: Invocation | None = None
        self._closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def deliver(self, invocation: Invocation) -> None:
        with self.changed:
            self._current, self.waiting = invocation, False
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self._current, self._closed = None, True
            self.changed.notify_all()

        def stop_serving():
            self._server.shutdown()
            self._server.server_close()

        # shutdown() blocks until the server's next poll; no need to wait for that here.
        threading.Thread(target=stop_serving, daemon=True).start()

    # Called by the threads of the connections.

    def next(self) -> Invocation | None:
        with self.changed:
            self.waiting = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._closed or not self.waiting)
            return self._current

    def answer(self, request_id: str, body: bytes, failed: bool) -> bool:
        with self.changed:
            invocation = self._current
            if invocation is None or invocation.request_id != request_id or invocation.answer is not None:
                return False
            invocation.answer, invocation.failed = body, failed
            self.changed.notify_all()
            return True

    def fail_init(self, body: bytes) -> None:
        with self.changed:
            self.init_error = body
            self.changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # together with delayed acknowledgements it costs 40 ms per invocation
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path != "/2018-06-01/runtime/invocation/next":
            return self._reply(404)
        invocation = self.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        return self._reply(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        match self.path.split("/")[3:]:
            case ["init", "error"]:
                self.api.fail_init(body)
                self._reply(202, b'{"status":"OK"}')
            case ["invocation", request_id, "response"] if len(body) > MAX_RESPONSE_BYTES:
                too_large = {
                    "errorType": "Function.ResponseSizeTooLarge",
                    "errorMessage": "Response payload size exceeded maximum allowed payload size "
                    f"({MAX_RESPONSE_BYTES} bytes).",
                }
                self.api.answer(request_id, json.dumps(too_large).encode(), failed=True)
                self._reply(413, b'{"errorType":"RequestEntityTooLarge"}')
            case ["invocation", request_id, "response" | "error" as kind]:
                if self.api.answer(request_id, body, failed=kind == "error"):
                    self._reply(202, b'{"status":"OK"}')
                else:
                    self._reply(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
            case _:
                self._reply(404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers, which a streamed response may have
            pass
        return bytes(body)

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the process is gone, which the environment will notice
            self.close_connection = True

    def log_message(self, *args) -> None:
        pass
