"""Settings of Sphinx; ``bash docs/build.sh`` builds the pages."""

import importlib
import os
import pkgutil
import sys

sys.path.insert(0, os.path.abspath('..'))

import bike_mmaction

project = 'bike_mmaction'
author = 'the authors of bike_mmaction'
version = release = bike_mmaction.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
exclude_patterns = ['_build']
source_suffix = {'.md': 'markdown'}

# Headings have the same anchors as on GitHub, so that links work in both.
myst_heading_anchors = 4

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_typehints_format = 'short'
autodoc_default_options = {'members': True, 'show-inheritance': True}
python_use_unqualified_type_names = True
python_display_short_literal_types = True
maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = 'furo'
html_title = f'bike_mmaction {version}'
html_copy_source = False

# Of types in docstrings: words, packages, and what stands before a comma.
nitpick_ignore_regex = [
    ('py:class', r'optional|callable|DataLoader|(os\.)?PathLike'),
    ('py:class', r'(np|numpy|torch|nn|collections|mmaction|mmcv|mmengine)\..*'),
    ('py:class', r'\w+\[.*'),
]
# Files beside docs/, which has a page for each.
BESIDE = {
    '(../CONTRIBUTING.md': '(contributing.md',
    '(../CHANGELOG.md': '(changelog.md',
}


def known_names():
    """All names in the modules of the package, and the modules' own."""
    names = set()
    for info in pkgutil.walk_packages(bike_mmaction.__path__, 'bike_mmaction.'):
        names |= {info.name, *vars(importlib.import_module(info.name))}
    return names


def leave_known(app, env, node, contnode):
    """Not every name has an entry; one that no module knows is an error."""
    if node.get('refdomain') != 'py':
        return None
    target = node['reftarget']
    parent, _, name = target.rpartition('.')
    known = app.known_names
    if node['reftype'] == 'meth':
        return contnode if parent.split('.')[-1] in known else None
    return contnode if target in known or name in known else None


def link_to_pages(app, docname, source):
    """Links to files beside docs/ become links to their pages."""
    for link, page in BESIDE.items():
        source[0] = source[0].replace(link, page)


def setup(app):
    app.known_names = known_names()
    app.connect('missing-reference', leave_known)
    app.connect('source-read', link_to_pages)
