"""The documents as data: their links, headings, fenced blocks, commands."""

import os.path as osp
import re
import shlex
from glob import glob
from typing import NamedTuple

from tests.kit import ROOT

PAGES = sorted(
    osp.relpath(path, ROOT)
    for folder in ('', 'configs', 'docs')
    for path in glob(
        osp.join(ROOT, folder, '**' * bool(folder), '*.md'), recursive=True
    )
    if '_build' not in path
)
FENCE = re.compile(r'^```([^\n]*)\n(.*?)^```$', re.M | re.S)


class Block(NamedTuple):
    """A fenced block of a page; ``line`` is that of its first line."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f'{self.page}:{self.line}'


def read(page):
    with open(osp.join(ROOT, page), encoding='utf-8') as file:
        return file.read()


def blocks(page, language):
    """The fenced blocks of a language, such as 'bash'."""
    text = read(page)
    return [
        Block(page, text.count('\n', 0, match.start(2)) + 1, match[1], match[2])
        for match in FENCE.finditer(text)
        if match[1] == language
    ]


def prose(page):
    """A page without its fenced blocks and code in lines."""
    return re.sub(r'`[^`\n]*`', '', FENCE.sub('', read(page)))


def links(page):
    """Relative links and pictures: pairs of path and heading, '' if none."""
    text = prose(page)
    targets = re.findall(r'\]\(([^)\s]+)\)', text) + re.findall(r'src="([^"]+)"', text)
    return [
        target.partition('#')[::2]
        for target in targets
        if not re.match(r'[a-z]+:', target)
    ]


def headings(page):
    """Anchors of the headings, as GitHub makes them."""
    text = FENCE.sub('', read(page))
    return {
        re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
        for heading in re.findall(r'^#+ (.+)$', text, re.M)
    }


def commands(block):
    """The commands of a ``bash`` block, as lists of words.

    Lines that end in a backslash are joined, comments left out, braces
    expanded. Variables before a command are words of their own.
    """
    lines = block.text.replace('\\\n', ' ').splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [_expand_braces(line) for line in words if line]


def commands_in_lines(page):
    """Commands in the text and tables of a page: `bike train CONFIG`."""
    text = FENCE.sub('', read(page)).replace('\n', ' ')
    commands = re.findall(r'`(bike [a-z][^`]*)`', text)
    return [shlex.split(command) for command in commands]


def _expand_braces(words):
    """As bash does: a{1,2}b are the words a1b and a2b."""
    expanded = []
    for word in words:
        match = re.fullmatch(r'(.*)\{([^{}]+,[^{}]+)\}(.*)', word)
        middles = match[2].split(',') if match else []
        expanded += [f'{match[1]}{m}{match[3]}' for m in middles] or [word]
    return expanded
