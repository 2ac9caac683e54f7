"""Damages many videos, and reads them: nothing may crash, hang, or be silently wrong.

    python -m tests.stress.mutated_videos --count 1000 --seed 0

By default each file is read by a worker process with a time limit; with
`--through infer`, `test`, `train`, `check` or `all` the files go through these
programs. What came of a file:

- refused: an error of the reader, which names the file and the reason;
- named: frames, and a warning that something is damaged;
- same: all frames are those of the whole file (the damage was in a place that
  no frame and no second needs);
- other seconds: the same frames at other times, without a warning;
- silent: other frames without a warning. ``clean`` of them are damaged in the
  content of a picture in such a way that FFmpeg decodes it without any
  complaint, even where it is told to be strict: there is nothing to see.

Of programs, ``same`` is the same result, and ``checksum`` another one of a file
that is damaged so that nobody but `bike check-videos --against` can tell.

The exit status is 1 after a crash, a hang, an error of another kind, or a
silent one that FFmpeg does complain of.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import warnings
from collections import Counter, defaultdict

import av

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..'))

from bike_mmaction.video import VideoError, VideoReader, WorkerError, WorkerPool
from bike_mmaction.video.opening import open_container
from tests.kit.numbered import write_numbered
from tests.kit.video_kinds import WITH_B, gop
from tests.stress.mutations import mutate, seeded

STRICT = dict(err_detect='crccheck+bitstream+buffer+explode')


def write_sources(folder):
    """A file of each of two kinds."""
    return [
        write_numbered(os.path.join(folder, 'source.mp4'), **WITH_B),
        write_numbered(
            os.path.join(folder, 'source.webm'),
            container_options=dict(fflags='bitexact'),
            **gop('libvpx-vp9'),
        ),
    ]


def read(path):
    """What a reader says of a file: frames, times, warning, or an error."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            with VideoReader(path) as video:
                frames = [hashlib.md5(i.tobytes()).hexdigest() for i in video.iterate()]
                times = [round(time, 3) for time in video.times[:-1].tolist()]
                return frames, times, str(video.damage) if video.damage else ''
        except VideoError as error:
            return error


def decodes_cleanly(path):
    """Whether FFmpeg has nothing to complain of, told to be strict."""
    try:
        with open_container(path) as container:
            stream = container.streams.video[0]
            stream.codec_context.options = STRICT
            stream.codec_context.thread_type = 'NONE'
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    return False
                for frame in packet.decode():
                    if frame.is_corrupt:
                        return False
    except (av.error.FFmpegError, OSError, IndexError):
        return False
    return True


def verdict_of(outcome, whole, path):
    """What came of a file, in a word; see the top."""
    error = outcome.error
    if isinstance(error, WorkerError):
        return 'hang' if error.is_late else 'crash'
    if error is not None:
        return f'error {type(error).__name__}'
    if isinstance(outcome.value, VideoError):
        return 'refused'
    frames, times, damage = outcome.value
    if damage:
        return 'named'
    if frames != whole[0]:
        return 'silent, clean' if decodes_cleanly(path) else 'silent'
    return 'same' if times == whole[1] else 'other seconds'


def run(sources, count, seed, folder, workers=2, time_limit=5.0, keep=None):
    """Damage and read files.

    Args:
        sources (list[str]): Files that are whole.
        count (int): How many damaged ones are made of them.
        seed (int): Of what is damaged.
        folder (str): For the damaged files.
        workers (int): Processes. Defaults to 2.
        time_limit (float): Seconds for a file. Defaults to 5.
        keep (str, optional): A folder for files whose verdict is bad.

    Returns:
        dict[str, Counter]: How many files there are of each verdict, by way.
    """
    wholes, contents = {}, {}
    for source in sources:
        wholes[source] = read(source)
        with open(source, 'rb') as file:
            contents[source] = file.read()
    verdicts = defaultdict(Counter)

    def made():
        for number in range(count):
            source = sources[number % len(sources)]
            way, content = mutate(contents[source], seeded(seed, number))
            path = os.path.join(folder, f'{number}{os.path.splitext(source)[1]}')
            with open(path, 'wb') as file:
                file.write(content)
            made_files.append((source, way, path))
            yield path

    made_files = []
    with WorkerPool(read, workers, time_limit) as pool:
        for number, outcome in enumerate(pool.map(made())):
            source, way, path = made_files[number]
            verdict = verdict_of(outcome, wholes[source], path)
            verdicts[way][verdict] += 1
            if keep and verdict not in ('refused', 'named', 'same'):
                name = f'{verdict}-{way}-{os.path.basename(path)}'.replace(' ', '_')
                os.rename(path, os.path.join(keep, name))
            else:
                os.remove(path)
    return verdicts


def is_bad(verdict):
    """Whether a file must not end in this way."""
    return verdict.startswith(('crash', 'hang', 'error', 'lost')) or verdict == 'silent'


def table_of(verdicts, total=True):
    """Verdicts in the columns of a table, a way or a program a line."""
    names = sorted({name for counts in verdicts.values() for name in counts})
    lines = [f'{"":22s}' + ''.join(f'{name:>16s}' for name in names)]
    rows = sorted(verdicts.items())
    if total:
        rows.append(('all', sum(verdicts.values(), Counter())))
    for way, counts in rows:
        lines.append(f'{way:22s}' + ''.join(f'{counts[name]:16d}' for name in names))
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=100, help='damaged files')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--source', nargs='+', help='own files, not two small ones')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--time-limit', type=float, default=5.0, help='seconds a file')
    parser.add_argument(
        '--through',
        default='reader',
        choices=('reader', 'infer', 'test', 'train', 'check', 'all'),
        help='what reads them (default: reader)',
    )
    parser.add_argument('--keep', help='folder for files that end badly')
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = args.source or write_sources(folder)
        verdicts, by_program = {}, {}
        if args.through in ('reader', 'all'):
            options = args.workers, args.time_limit, args.keep
            verdicts = run(sources, args.count, args.seed, folder, *options)
        if args.through != 'reader':
            from tests.stress import mutated_programs as programs

            names = list(programs.PROGRAMS) if args.through == 'all' else [args.through]
            by_program = programs.run(names, sources, args.count, args.seed, folder)
            print(table_of(by_program, total=False))
    if verdicts:
        print(table_of(verdicts))
    verdicts.update(by_program)
    return int(any(is_bad(name) for counts in verdicts.values() for name in counts))


if __name__ == '__main__':
    sys.exit(main())
