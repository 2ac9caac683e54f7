"""Kill commands that work through many videos; count those that go on as if
nothing had happened.

Usage: python -m tests.stress.killed_jobs [COUNT] [--seed SEED]

The attribute generator and labelling (on 1 and 2 processes) and the embedding
of videos are killed COUNT times each (by default 8) at random moments, up to
three times before a run may end. It passes if it has the same result, byte
for byte, as a run that nobody has killed, if nothing was at the place of the
result before, and if what was done before each kill was not done again.
"""

import argparse
import glob
import os
import os.path as osp
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kit.attributes import write_config
from tests.kit.videos import write_video
from tests.stress import runs

VIDEOS, CHAIN = 40, 3
EQUAL = 'the same result'


class Job:
    """A command on so many processes.

    Args:
        folder (str): Where videos, config and results are written.
        command (list[str]): All but where the result is written.
        result (str): Name of the file or folder of the result.
        ranks (int): Processes.
    """

    def __init__(self, folder, command, result, ranks=1):
        self.name = f'{command[0]}, {ranks} process' + 'es' * (ranks > 1)
        self.command, self.ranks, self.folder = command, ranks, folder
        self.result = result
        self.whole = f'{folder}/whole_{command[0]}_{ranks}'
        start = time.time()
        self.statuses = self.run(self.whole)  # 1: the index lacks a video
        self.seconds = time.time() - start
        assert osp.exists(f'{self.whole}/{result}'), runs.log_of(self.whole)

    def run(self, work, trap=None):
        command = [*self.command, '--out', f'{work}/{self.result}']
        while True:
            statuses = runs.run(command, work, self.ranks, trap)
            if 'in use by another job' not in runs.log_of(work, 200):  # the port
                return statuses

    def try_once(self, rng):
        """Kill a run up to three times, and let it end.

        Returns:
            tuple[int, str]: How often it was killed, and what became of it.
        """
        work, kills = f'{self.folder}/killed', 0
        shutil.rmtree(work, ignore_errors=True)
        kept = {}
        while kills < CHAIN:
            statuses = self.run(work, runs.die_after(rng.uniform(0, self.seconds)))
            if statuses == self.statuses:
                break
            if -signal.SIGKILL not in statuses:
                return kills, f'ended with {statuses}: {runs.log_of(work)}'
            kills += 1
            if osp.isfile(f'{work}/{self.result}') and not self.is_whole(work):
                return kills, 'a wrong result before the end'
            if any(not now.startswith(kept.get(x, b'')) for x, now in notes(work)):
                return kills, 'what was done was thrown away'
            kept = {x: now[: now.rfind(b'\n') + 1] for x, now in notes(work)}
        else:
            statuses = self.run(work)
        if statuses != self.statuses:
            return kills, f'ended with {statuses}: {runs.log_of(work)}'
        if any(not now.startswith(kept.get(x, b'')) for x, now in notes(work)):
            return kills, 'what was done was done again'
        return kills, EQUAL if self.is_whole(work) else 'another result'

    def is_whole(self, work):
        """Whether it has the result of a run that nobody has killed."""
        done, whole = (content(f'{x}/{self.result}') for x in (work, self.whole))
        return done == whole


def notes(work):
    """What is noted of finished videos, by file."""
    paths = glob.glob(f'{work}/*.partial/*.jsonl') + glob.glob(f'{work}/*/videos.csv')
    for path in paths:
        with open(path, 'rb') as file:
            yield path, file.read()


def content(result):
    """What a file has, or the files of a folder but its lock."""
    paths = glob.glob(f'{result}/*') or [result]
    contents = {}
    for path in paths:
        if osp.basename(path) == 'lock':  # has the number of a process
            continue
        with open(path, 'rb') as file:
            contents[osp.basename(path)] = file.read()
    return contents


def make_jobs(folder):
    """Videos, of which one is cut off and one absent, and the jobs on them."""
    names = [f'v{i:02}.mp4' for i in range(VIDEOS)]
    videos = f'{folder}/videos'
    os.makedirs(videos)
    for i, name in enumerate(names):
        write_video(f'{videos}/{name}', num_frames=16, seed=i)
    os.truncate(f'{videos}/{names[7]}', 500)
    write_config(Path(folder), [*names, 'gone.mp4'])
    config, lexicon = f'{folder}/config.py', f'{folder}/lexicon.txt'
    generate = ['generate-attributes', config, '--lexicon', lexicon, '--topk', 3]
    model = ['--config', config, '--device', 'cpu', '--workers', 1]
    label = ['label', videos, '--batch-size', 2, *model]
    embed = ['embed', videos, '--fps', 4, *model]
    return [
        Job(folder, generate, 'attributes.json'),
        Job(folder, generate, 'attributes.json', ranks=2),
        Job(folder, label, 'labels.jsonl'),
        Job(folder, label, 'labels.jsonl', ranks=2),
        Job(folder, embed, 'index'),
    ]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('count', type=int, nargs='?', default=8)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    runs.prepare()
    rng, wrong = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for job in make_jobs(folder):
            kills, outcomes = 0, Counter()
            while kills < args.count:
                more, outcome = job.try_once(rng)
                if more or outcome != EQUAL:  # not over before it was killed
                    kills += more
                    outcomes[outcome] += 1
            wrong += sum(outcomes.values()) - outcomes[EQUAL]
            summary = ', '.join(
                f'{n} times {outcome}' for outcome, n in outcomes.items()
            )
            print(f'{job.name}: killed {kills} times, {summary}', flush=True)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
