"""Old names work, and warn once with the new ones."""

import importlib
import sys
import warnings

import pytest

from bike_mmaction.renamed import MODULES, NAMES, NEW_NAMES, PACKAGE

OLD = [
    ('apis.reproduction', 'reproduce', 'reproduction.reproduce'),
    ('apis.reproduction.index', 'read_index', 'reproduction.index.read_index'),
    ('apis.reproduction.index', 'METRICS', 'reproduction.rows.METRICS'),
    ('apis.reproduction.index', 'find_shipped', 'shipped.find_shipped'),
    ('datasets.pipelines', 'RESIZES', 'recipes.images.RESIZES'),
    ('apis.toolbox', 'load_toolbox_tool', 'cli.mmaction_tools.load_mmaction_tool'),
    ('apis.toolbox', 'find_toolbox_tool', 'shipped.find_mmaction_tool'),
    ('apis.toolbox', 'check_cfg_options', 'recipes.options.check_cfg_options'),
    ('datasets.pipelines', 'use_rawframes', 'recipes.use_rawframes'),
    ('datasets.pipelines', 'own_dataset', 'datasets.pipeline_access.own_dataset'),
    ('datasets.pipelines', 'parse_views', 'datasets.views.parse_views'),
    *(
        (module, name, f'{home}.{NEW_NAMES.get(name, name)}')
        for module, names in NAMES.items()
        for name, home in names.items()
    ),
]


def test_old_names_are_new_ones():
    for module, name, new in OLD:
        old = importlib.import_module(f'{PACKAGE}.{module}')
        old.__dict__.pop(name, None)  # an earlier test may have used it
        with pytest.warns(FutureWarning) as warned:
            value = getattr(old, name)
        (message,) = (str(w.message) for w in warned)
        assert message.startswith(f'{PACKAGE}.{module}.{name} is now {PACKAGE}.{new};')
        home, _, new_name = new.rpartition('.')
        assert value is getattr(sys.modules[f'{PACKAGE}.{home}'], new_name)
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            assert getattr(old, name) is value  # warned of once


def test_every_old_module_is_importable():
    for module, homes in MODULES.items():
        importlib.import_module(f'{PACKAGE}.{module}')
        for home in homes:
            importlib.import_module(f'{PACKAGE}.{home}')


def test_names_that_never_were():
    import bike_mmaction.apis

    with pytest.raises(AttributeError, match="'bike_mmaction.apis' has no .*'nosuch'"):
        _ = bike_mmaction.apis.nosuch
    with pytest.raises(ImportError, match='nosuch'):
        from bike_mmaction.datasets.pipelines import nosuch  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match='nosuch'):
        import bike_mmaction.apis.nosuch
