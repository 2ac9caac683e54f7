"""The reproducing tool and the shipped index, for the tests."""

import json
import os

from bike_mmaction.reproduction import find_shipped, read_index
from tests.kit.tools import run_tool

VIDEO, MEAN = 'bike_vitb32_k400', 'bike_vitb32_meanpool_k400'
ATTRIBUTES = 'bike_vitb32_attributes_k400'


def shipped():
    return read_index(find_shipped('configs'))


def reproduce(*args):
    """Run the tool in this process: its exit status, or message."""
    try:
        return run_tool('reproduce', *args) or 0
    except SystemExit as end:
        return end.code


def read_table(folder, table='ablations'):
    rows = json.loads((folder / f'{table}.json').read_text())['rows']
    return {row['model']: row for row in rows if 'model' in row}


def results_of(folder, name):
    (path,) = (folder / name).glob('test_1x1/*/results.json')
    return json.loads(path.read_text())


def touch(path):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with open(path, 'a'):
        pass
    return path
