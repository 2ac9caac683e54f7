"""What a stranger sees first, and that no link leads nowhere."""

import os
import os.path as osp
import re

import yaml

from bike_mmaction.version import __version__
from tests.kit import ROOT
from tests.kit.pages import PAGES, headings, links, prose, read


def test_readme_has_at_most_ten_kilobytes():
    assert osp.getsize(osp.join(ROOT, 'README.md')) <= 10_000


def test_first_screen_leads_to_the_three_ways_of_use():
    """The part above the first heading below the title."""
    first = read('README.md').split('\n## ')[0]
    assert 'docs/timeline.png' in first
    for command, page in (
        ('bike infer', 'docs/own_videos.md'),
        ('bike train', 'docs/own_actions.md'),
        ('VCSHead', 'docs/backbones.md'),
    ):
        assert re.search(rf'{command}.*\]\({page}', first), command
    assert len(first.splitlines()) < 40


def test_every_link_leads_somewhere():
    broken = []
    for page in PAGES:
        for path, heading in links(page):
            target = osp.normpath(osp.join(osp.dirname(page), path)) if path else page
            if not osp.exists(osp.join(ROOT, target)):
                broken.append(f'{page}: no file {path}')
            elif heading and heading not in headings(target):
                broken.append(f'{page}: no heading {path}#{heading}')
    assert not broken


def test_files_that_the_text_names_exist():
    pattern = (
        r'(?<![\w/.-])(?:configs|docs|tools|tests|requirements|bike_mmaction)/'
        r'[\w/]+\.(?:py|sh|yml|txt|md|json|png)\b'
    )
    absent = [
        f'{page}: {path}'
        for page in PAGES
        if page != 'CHANGELOG.md'  # names what is gone, too
        for path in re.findall(pattern, read(page))
        if not osp.exists(osp.join(ROOT, path))
        and not re.search(r'/[A-Z]+\.', path)  # stands for any name
    ]
    assert not absent


def test_every_page_is_reached_from_the_index():
    reached, todo = set(), ['docs/index.md']
    while todo:
        page = todo.pop()
        if page in reached or page not in PAGES:
            continue
        reached.add(page)
        folder = osp.dirname(page)
        entries = re.findall(r'^[\w/]+$', read(page), re.M)  # of its toctrees
        paths = [f'{entry}.md' for entry in entries] + [path for path, _ in links(page)]
        todo += [osp.normpath(osp.join(folder, path)) for path in paths if path]
    assert {page for page in PAGES if page.startswith('docs' + os.sep)} <= reached


def test_mmaction2_is_called_by_its_name():
    assert not [page for page in PAGES if re.search('toolbox', prose(page), re.I)]


def test_citation_is_of_this_version():
    with open(osp.join(ROOT, 'CITATION.cff'), encoding='utf-8') as file:
        citation = yaml.safe_load(file)
    assert citation['version'] == __version__
    assert citation['preferred-citation']['title'] in ' '.join(
        read('README.md').split()
    )
