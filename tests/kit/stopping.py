"""How a test ends a training in the middle."""

from mmengine.hooks import Hook


class StopBefore(Hook):
    """What a scheduler of jobs does, in the middle of an epoch.

    Args:
        iteration (int): Of all; it does not begin.
    """

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, *args, **kwargs):
        if runner.iter == self.iteration:
            raise KeyboardInterrupt
