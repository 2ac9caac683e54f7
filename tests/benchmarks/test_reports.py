"""Figures of several runs, side by side, and as pictures."""

import os

import cv2
import pytest

from bike_mmaction.benchmarks import plots
from bike_mmaction.benchmarks.measuring import Spread
from bike_mmaction.benchmarks.plots import draw
from bike_mmaction.benchmarks.runs import in_new_processes, over_runs
from bike_mmaction.benchmarks.tables import table


def row(name, ratio, **more):
    return f'test, {name}, cpu', dict(ratio=Spread.of([ratio]), **more)


def test_spread_over_runs():
    """Of three runs: the middle of their medians, and the ends."""
    runs = [
        [('a', dict(time=Spread(1, at, 99, 'ms'), memory=at, text=f'{at}', odd=at))]
        for at in (3.0, 1.0, 2.0)
    ]
    del runs[1][0][1]['odd']  # a figure that not all runs have
    assert over_runs(runs) == [
        ('a', dict(time=Spread(1, 2, 3, 'ms'), memory=Spread(1, 2, 3), text='3.0'))
    ]


def test_each_run_has_a_process():
    pids = in_new_processes(eval, "__import__('os').getpid()", 2)
    assert len({os.getpid(), *pids}) == 3


def test_table():
    """The fewer are the columns; what all names have in common stands above."""
    rows = [row('a', 1.0), row('b', 2.0, axis='T', at=2, memory=0.5)]
    assert table(rows).splitlines() == [
        'test, cpu:',
        '',
        '|   | ratio | memory |',
        '| - | ----- | ------ |',
        '| a | 1     |        |',
        '| b | 2     | 0.5    |',
    ]
    assert table(rows[1:]).splitlines()[2:4] == ['|        |     |', '| ------ | --- |']


def test_pictures(tmp_path, monkeypatch):
    """Bars of ratios alone; curves of each axis and unit, with all their points."""
    shown = []
    original = plots._finish

    def finish(figure, panels, *args):
        shown.extend(axes for axes in panels if axes.get_visible())
        original(figure, panels, *args)

    monkeypatch.setattr(plots, '_finish', finish)
    path = str(tmp_path / 'picture.png')
    more = dict(time=Spread.of([5], 'ms'), TFLOPs_a_batch=Spread.of([9]))
    draw([row('a', 1.0, **more), row('b', 2.0)], path)
    assert [patch.get_width() for patch in shown[0].patches] == [1, 2]
    assert min(cv2.imread(path).shape[:2]) > 100
    shown.clear()
    draw([row('a long name of a config ' * 5, 1.0), row('b', 2.0)], path)
    assert shown[0].get_window_extent().width > 300  # beside the name
    shown.clear()
    sizes = [
        row(f'{axis} = {at}', 1.0, axis=axis, at=at, time=Spread.of([at], 'ms'))
        for axis, ends in (('T', (1, 10)), ('ranks', (1, 2)))
        for at in ends
    ]
    sizes[0][1]['memory_of_time'] = Spread.of([7], 'MiB')
    draw(sizes, path)
    assert [
        (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) for axes in shown
    ] == [
        ('T', 'time, ms', 'log'),
        ('ranks', 'time, ms', 'linear'),
        ('T', 'memory, MiB', 'linear'),
    ]
    assert [list(axes.lines[0].get_ydata()) for axes in shown] == [[1, 10], [1, 2], [7]]
    (legend,) = shown[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ['time']
    with pytest.raises(ValueError, match='has none'):
        draw([('a', dict(time=Spread.of([5], 'ms')))], path)
