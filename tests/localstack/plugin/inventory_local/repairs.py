"""Fixes for bugs in LocalStack 4.14.0 that affect our tests."""

import functools
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from localstack.runtime import hooks


@hooks.on_infra_start()
def listen_on_loopback_only():
    """LocalStack ignores the address in GATEWAY_LISTEN and binds every interface."""
    from twisted.internet import endpoints

    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")


@hooks.on_infra_start()
def repair_lambda():
    from localstack import config
    from localstack.services.lambda_.invocation.assignment import AssignmentService
    from localstack.services.lambda_.invocation.event_manager import Poller
    from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment

    class Snapshots(dict):
        def values(self):
            return list(super().values())

    original = AssignmentService.__init__

    def init(self):
        """Searching for an idle environment while another was added occasionally caused an error 500."""
        original(self)
        self.environments = defaultdict(Snapshots)

    AssignmentService.__init__ = init

    original_poller = Poller.__init__

    def init_poller(self, *args):
        """At most as many events of one function ran concurrently as there are processors plus four."""
        original_poller(self, *args)
        self.invoker_pool = ThreadPoolExecutor(config.LAMBDA_LIMITS_CONCURRENT_EXECUTIONS)

    Poller.__init__ = init_poller

    def log_group(self):
        """The log group set for a function was stored but not used."""
        return self.function_version.config.logging_config["LogGroup"]

    ExecutionEnvironment.get_log_group_name = log_group
