"""A custom runtime that does what its event says. The tests prepend a shebang line."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    api.request(method, f"/2018-06-01/runtime/{path}", body and json.dumps(body))
    response = api.getresponse()
    return response.headers, response.read()


def handle(event, headers):
    print("got", event["do"], "in", os.getpid(), flush=True)
    if event["do"] == "describe":
        return {
            "pid": os.getpid(),
            "headers": dict(headers),
            "now_ms": time.time() * 1000,
            "environment": dict(os.environ),
            "tmp": tempfile.gettempdir(),
            "found_in_tmp": os.listdir(tempfile.gettempdir()),
        }
    if event["do"] == "leave a file":
        return {"file": tempfile.mkstemp()[1]}
    if event["do"] == "answer and exit":
        return "done"
    if event["do"] == "fail":
        raise ValueError("as requested")
    if event["do"] == "exit":
        os._exit(3)
    if event["do"] == "eat memory":
        fat = b"x" * event["mb"] * 1024 * 1024
        child = [sys.executable, "-c", f"import time; fat = b'x' * {event['mb']} * 1024 * 1024; time.sleep(.2)"]
        subprocess.run(child)
        return {"ate": len(fat)}
    if event["do"] == "start children with memory in hand":
        fat = b"x" * event["mb"] * 1024 * 1024
        for _ in range(event["children"]):
            subprocess.run(["/bin/true"])
        return len(fat)
    if event["do"] == "hang with children":
        # One ordinary child, and one that tries to escape: its own process group, no environment.
        children = [
            subprocess.Popen(["/bin/sleep", "3600"]),
            subprocess.Popen(["/bin/sleep", "3600"], process_group=0, env={}),
        ]
        print("children", *(child.pid for child in children), flush=True)
        time.sleep(3600)
    if event["do"] == "meet":
        # Wait until `number` invocations have arrived.
        tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=event["at"])
        while len(os.listdir(event["at"])) < event["number"]:
            time.sleep(0.02)
        return os.getpid()
    if event["do"] == "wait":
        time.sleep(event["seconds"])
        return os.getpid()
    raise AssertionError(event)


if os.environ.get("INIT") == "refuse":
    print("cannot start", flush=True)
    call("POST", "init/error", {"errorType": "Config.Missing", "errorMessage": "TABLE is not set"})
    sys.exit(1)
if os.environ.get("INIT") == "exit":
    sys.exit(7)

while True:
    headers, body = call("GET", "invocation/next")
    event = json.loads(body)
    path = f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}"
    try:
        call("POST", f"{path}/response", handle(event, headers))
        if event["do"] == "answer and exit":
            sys.exit(5)
    except ValueError as error:
        call("POST", f"{path}/error", {"errorType": "ValueError", "errorMessage": str(error)})
