"""Runs DynamoDB Local from jars installed by Maven, instead of the ones LocalStack would download."""

import os
import tempfile
import time

from localstack.runtime import hooks

# LocalStack immediately restarts a server that has died, without limit: one that cannot start used a whole core.
MIN_SECONDS_BETWEEN_STARTS = 2


@hooks.on_infra_start()
def run_dynamodb_from_jars():
    from localstack.services.dynamodb import server
    from localstack.utils.common import TMP_THREADS
    from localstack.utils.run import ShellCommandThread

    jars = os.environ["INVENTORY_DYNAMODB_JARS"]

    class ThrottledThread(ShellCommandThread):
        def do_run_cmd(self):
            began = time.monotonic()
            super().do_run_cmd()
            time.sleep(max(0, began + MIN_SECONDS_BETWEEN_STARTS - time.monotonic()))

    def do_start_thread(self):
        command = [
            "java",
            f"-Xmx{self.heap_size}",
            "-XX:+UseSerialGC",  # the parallel collectors cost memory and gain nothing on the small data of tests
            f"-Djava.library.path={jars}",
            f"-Djava.io.tmpdir={tempfile.gettempdir()}",
            "-classpath",
            f"{jars}/*",
            "software.amazon.dynamodb.services.local.main.ServerRunner",
            "-port",
            str(self.port),
            "-inMemory",
        ]
        thread = ThrottledThread(
            command,
            strip_color=True,
            log_listener=server._log_listener,
            auto_restart=True,
            name="dynamodb-local",
            env_vars={"DDB_LOCAL_TELEMETRY": "0"},
        )
        TMP_THREADS.append(thread)
        thread.start()
        return thread

    server.DynamodbServer.do_start_thread = do_start_thread
