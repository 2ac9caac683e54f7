"""Compare trainings that were killed and resumed with one that was not, bit for bit.

Usage: python -m tests.stress.identity [--ranks 1 2] [--workers 0 2 2p]
           [--data plain repeated few-shot] [--places middle epoch validation]

A row is one training: on so many ranks, with so many workers (2p: that live
on from epoch to epoch), killed in the middle of an epoch, after one, or in a
validation. All rows of the same ranks and data are compared with the same
training, which has no workers: weights, state of the optimizer, schedule.
"""

import argparse
import itertools
import shutil
import signal
import sys
import tempfile

from tests.stress import runs

RESUMED = 'equal'
PLACES = ('middle', 'epoch', 'validation')
WORKERS = {'0': (0, False), '2': (2, False), '2p': (2, True)}
SEED = ['--seed', 7]


def trap_at(place, ranks):
    """Kill in the second epoch, in one of these places."""
    length, batches = runs.LENGTHS[ranks], runs.VALIDATION[ranks]
    if place == 'middle':
        return runs.die_in('before_train_iter', length + 2)
    if place == 'epoch':
        return runs.die_in('before_train_epoch', 2)
    return runs.die_in('before_val_iter', batches + 1)


def compare(folder, ranks, workers, data, place):
    """One row: what differs, or ``RESUMED``."""
    config = runs.write_config(folder, ranks, data)
    whole = f'{folder}/whole_{ranks}_{data}'
    runs.train_once(config, whole, *SEED, ranks=ranks)
    number, persistent = WORKERS[workers]
    options = [*SEED, '--save-every', 1, '--cfg-options']
    options += [
        f'train_dataloader.num_workers={number}',
        f'train_dataloader.persistent_workers={persistent}',
    ]
    work = f'{folder}/killed'
    return stop_and_go_on(config, work, options, ranks, trap_at(place, ranks), whole)


def stop_and_go_on(config, work, options, ranks, trap, whole):
    """Kill a training, resume it, compare it: what differs, or ``RESUMED``."""
    shutil.rmtree(work, ignore_errors=True)
    statuses = runs.train(config, work, *options, ranks=ranks, trap=trap)
    assert statuses[0] == -signal.SIGKILL, runs.log_of(work)
    statuses = runs.train(config, work, '--resume', *options, ranks=ranks)
    assert set(statuses) == {0}, runs.log_of(work)
    different = runs.differences(work, whole)
    return f'{len(different)} tensors differ' if different else RESUMED


def seeds_of_ranks(folder):
    """As :func:`compare`, where each rank has a seed of its own."""
    config, whole = runs.write_config(folder, 2), f'{folder}/ranks'
    options = [*SEED, '--diff-rank-seed', '--save-every', 1]
    runs.train_once(config, whole, *options, ranks=2)
    trap = trap_at('middle', 2)
    return stop_and_go_on(config, f'{folder}/killed', options, 2, trap, whole)


def without_seed(folder):
    """A seed that nobody has given is drawn once: two copies of a run are equal."""
    config, works = runs.write_config(folder), [f'{folder}/drawn', f'{folder}/copy']
    options = ['--save-every', 1]
    runs.train(config, works[0], *options, trap=trap_at('middle', 1))
    shutil.copytree(*works)
    for work in works:
        assert runs.train(config, work, '--resume', *options) == [0], runs.log_of(work)
    different = runs.differences(*works)
    return f'{len(different)} tensors differ' if different else RESUMED


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--ranks', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--workers', nargs='+', choices=WORKERS, default=list(WORKERS))
    parser.add_argument('--data', nargs='+', choices=runs.DATA, default=['plain'])
    parser.add_argument('--places', nargs='+', choices=PLACES, default=PLACES)
    args = parser.parse_args(argv)
    runs.prepare()
    rows = [*itertools.product(args.ranks, args.workers, args.data, args.places)]
    outcomes = []
    print('ranks  workers  data        killed in    outcome')
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            outcomes.append(compare(folder, *row))
            print('{:<7}{:<9}{:<12}{:<13}'.format(*row) + outcomes[-1], flush=True)
        for check in (seeds_of_ranks, without_seed):
            outcomes.append(check(folder))
            print(f'{check.__name__}: {outcomes[-1]}')
    equal = outcomes.count(RESUMED)
    print(f'{equal} of {len(outcomes)} are equal')
    return len(outcomes) - equal


if __name__ == '__main__':
    sys.exit(main())
