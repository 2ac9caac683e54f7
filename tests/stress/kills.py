"""Kill trainings, and count those that go on as if nothing had happened.

Usage: python -m tests.stress.kills [COUNT] [--ranks 1 2] [--keep 1 3]

COUNT kills (by default 8) are shared among the cases: half of them aimed at
one of the steps in which checkpoints are written, half at random moments. A
run passes if it resumes from the newest checkpoint that had its place when it
was killed, and ends with the same files and, bit for bit, the same state as a
run that nobody has killed.
"""

import argparse
import itertools
import os
import os.path as osp
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter

from tests.stress import runs

SAVE_EVERY = 2  # iterations; epochs have 4 (1 rank) or 3 (2 ranks)
RESUMED, TOO_LATE = 'resumed', 'over before it was killed'


class Case:
    """Trainings on so many ranks, which keep so many checkpoints."""

    def __init__(self, folder, ranks, keep):
        self.folder, self.ranks = folder, ranks
        self.name = f'{ranks} ranks, {keep} kept'
        self.config = runs.write_config(folder, ranks)
        self.options = [
            *('--seed', 7, '--save-every', SAVE_EVERY, '--cfg-options'),
            f'default_hooks.checkpoint.max_keep_ckpts={keep}',
        ]
        self.whole = f'{folder}/whole_{ranks}_{keep}'
        start, steps = time.time(), f'{self.whole}_steps'
        trap = runs.die_at_write(-1, steps)
        runs.train_once(self.config, self.whole, *self.options, ranks=ranks, trap=trap)
        self.seconds, self.steps = time.time() - start, osp.getsize(steps)

    def train(self, work, *options, trap=None):
        options = (*options, *self.options)
        return runs.train(self.config, work, *options, ranks=self.ranks, trap=trap)

    def kill(self, trap):
        """Kill a run, resume it, and say what became of it."""
        work = f'{self.folder}/killed'
        shutil.rmtree(work, ignore_errors=True)
        statuses = self.train(work, trap=trap)
        if set(statuses) == {0}:
            return TOO_LATE
        if statuses[0] != -signal.SIGKILL:
            return f'ended with {statuses}: {runs.log_of(work)}'
        saved = runs.last_saved(work, runs.LENGTHS[self.ranks])
        statuses = self.train(work, '--resume')
        if set(statuses) != {0}:
            return f'not resumed, {statuses}: {runs.log_of(work)}'
        lost = saved - (runs.resumed_at(work) if saved else 0)
        if lost > 0:
            return f'lost {lost} iterations that were saved'
        different = runs.differences(work, self.whole)
        if different:
            return f'{len(different)} tensors differ'
        other = checkpoints(work) ^ checkpoints(self.whole)
        return f'other files: {sorted(other)}' if other else RESUMED

    def kill_at_random(self, rng):
        """As :meth:`kill`, and the moment; the machine may be quicker or slower."""
        seconds = rng.uniform(0, self.seconds)
        for _ in range(5):
            outcome = self.kill(runs.die_after(seconds))
            if outcome != TOO_LATE:
                break
            seconds *= 0.7
        return outcome, seconds


def checkpoints(folder):
    return {x for x in os.listdir(folder) if '.pth' in x or 'last_checkpoint' in x}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('count', type=int, nargs='?', default=8)
    parser.add_argument('--ranks', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--keep', type=int, nargs='+', default=[1, 3])
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    runs.prepare()
    rng, outcomes = random.Random(args.seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        pairs = itertools.product(args.ranks, args.keep)
        cases = [Case(folder, *pair) for pair in pairs]
        for i, case in zip(range(args.count), itertools.cycle(cases)):
            if i // len(cases) % 2 == 0:
                step = rng.randrange(case.steps)
                what = f'step {step} of {case.steps}'
                outcome = case.kill(runs.die_at_write(step))
            else:
                outcome, seconds = case.kill_at_random(rng)
                what = f'{seconds:.2f} s'
            print(f'{case.name}, killed at {what}: {outcome}', flush=True)
            outcomes[outcome] += 1
    print('In all:', ', '.join(f'{n} {outcome}' for outcome, n in outcomes.items()))
    return len(outcomes.keys() - {RESUMED, TOO_LATE})


if __name__ == '__main__':
    sys.exit(main())
