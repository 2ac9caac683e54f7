"""A runner for people who watch: what is long stays in the log file."""

import logging

from mmengine.logging import MMLogger
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

MOST_LINES = 3  # of a message in the terminal


class BriefMessages(logging.Filter):
    """Lets no listing through: environment, config, hooks, parameters."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is shown."""
        return record.getMessage().count('\n') < MOST_LINES


@RUNNERS.register_module()
class BriefRunner(Runner):
    """MMEngine's runner, whose terminal shows no listings; its log file has all."""

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """As of ``Runner``."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(BriefMessages())
        return logger
