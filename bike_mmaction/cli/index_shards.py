"""Write the index of tar files of videos, such as those of webdataset.

With it FOLDER stands for a folder of videos: a list names them as they are called
in the tar files. All of them are read once, as the index has checksums. --list
writes a list, of the labels beside the videos: a number in a .cls, or `label`,
`labels` or `cls` in a .json.
"""

import argparse
from typing import Optional

from ..terminal import say
from .arguments import check_folder, check_input, check_output

_NAMED = 20  # videos that are left out


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('folder', metavar='FOLDER', help='with the tar files')
    parser.add_argument('--list', help='the annotation file to write')
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse a folder that is not there, and files that cannot be written."""
    check_input('FOLDER', args.folder)
    check_folder('FOLDER', args.folder)
    check_output('--list', args.list)


def run(args: argparse.Namespace) -> None:
    """Index, and write the list."""
    from ..datasets.shard_index import index_shards, write_list
    from ..shards import INDEX

    indexed = index_shards(args.folder)
    for one in indexed.left_out[:_NAMED]:
        say(f'left out: {one}: it is a link or has holes, not a file as it is')
    if len(indexed.left_out) > _NAMED:
        say(f'{len(indexed.left_out)} are left out')
    shards = {member.shard for member in indexed.members}
    say(f'{args.folder}: videos: {len(indexed.members)}, tar files: {len(shards)}')
    say(f'written: {args.folder}/{INDEX}')
    if args.list:
        write_list(args.list, indexed)
        say(f'written: {args.list}')
