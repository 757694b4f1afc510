"""DynamoDB Local from a folder of Maven's jars, where LocalStack would download it from elsewhere."""

import os
import tempfile
import time

from localstack.runtime import hooks

# LocalStack restarts a server that has died at once and for ever: one that cannot start took a whole core.
MIN_SECONDS_BETWEEN_STARTS = 2


@hooks.on_infra_start()
def run_dynamodb_from_jars():
    from localstack.services.dynamodb import server
    from localstack.utils.common import TMP_THREADS
    from localstack.utils.run import ShellCommandThread

    jars = os.environ["INVENTORY_DYNAMODB_JARS"]

    class PatientThread(ShellCommandThread):
        def do_run_cmd(self):
            began = time.monotonic()
            super().do_run_cmd()
            time.sleep(max(0, began + MIN_SECONDS_BETWEEN_STARTS - time.monotonic()))

    def do_start_thread(self):
        command = [
            "java",
            f"-Xmx{self.heap_size}",
            "-XX:+UseSerialGC",  # the parallel collectors cost memory and win nothing on a test's data
            f"-Djava.library.path={jars}",
            f"-Djava.io.tmpdir={tempfile.gettempdir()}",
            "-classpath",
            f"{jars}/*",
            "software.amazon.dynamodb.services.local.main.ServerRunner",
            "-port",
            str(self.port),
            "-inMemory",
        ]
        thread = PatientThread(
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
