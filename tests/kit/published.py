"""What the authors published, and the tool that shows it, for the tests."""

import re

from tests.kit.tools import tool

# What the authors published for BIKE, by the table of the paper.
_TABLES = {
    '1': '88.1 88.3 88.6',
    '2': '94.7 96.1',
    '3': '50.4',
    '4': '72.3 95.2 86.6 73.5 73.5 96.1 88.7 75.5 77.7 96.5 90.9 78.2',
    '6a': '76.8 78.5 78.7 78.9',
    '6b': '78.1 74.7 78.5',
    '6c': '46.2 51.2 56.6',
    '6d': '53.4 79.9 56.6 80.0 57.1 79.7',
    '6e': '56.6 80.0 69.6 81.4',
    '6f': '79.2 81.4',
    '6g': '80.3 81.4',
    '6i': '76.8 78.9 81.4 80.2 81.9 79.9 82.1 83.2 83.9 85.2 86.4 86.5 87.4',
    "authors' README": '81.4 84.0 87.4 88.1 88.3 88.7 94.4 96.3 94.7 96.1 '
    '50.7 98.7 98.9 82.9 84.3 80.83 86.63 3.4 52.75 61.37 3.68 80.04 86.18 '
    '1.05 70.14 68.31 67.15',
    # Only in the text of the page: section 3.2, deviations of Table 5, the
    # three splits of Kinetics-600, section numbers, and differences.
    'text': '98.8 83.1 3.6 1.0 68.53 1.23 3.2 0.5 0.7 1.3',
}
PUBLISHED = {place: set(figures.split()) for place, figures in _TABLES.items()}

zoo = tool('model_zoo')


def places(source):
    """Tables of the paper, and the authors' README."""
    return re.findall(r"\b\d[a-i]?\b|authors' README", source or '')


def values(row):
    """The figures of a row and their deviations, as written."""
    return {
        str(value)
        for figure in row.figures
        for value in (figure.value, figure.deviation)
        if value is not None
    }
