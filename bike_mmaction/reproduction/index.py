"""The model index: what is published of each config.

Each folder of ``configs`` has a ``metafile.yml``, in the form that OpenMMLab's
mim knows. That of the demo has the figures of docs/demo.md, the others those of
the paper and of the authors' README.
"""

import glob
import os.path as osp
from typing import NamedTuple

import yaml

from ..text_files import read_text

NEEDED = {'Name', 'Config', 'Results'}


class Index(NamedTuple):
    """The models of some metafiles.

    Attributes:
        path (str): Of the file, or of the folder of metafiles.
        entries (dict[str, dict]): By the name of the model, each with the
            fields of its collection.
        configs (dict[str, str]): Path of the config, by the name of the model.
    """

    path: str
    entries: dict[str, dict]
    configs: dict[str, str]

    def weights_of(self, name: str) -> str:
        """The model whose checkpoint is tested: itself, or another."""
        return self.entries[name]['Metadata'].get('Checkpoint Of') or name

    def data_root(self, name: str) -> str:
        """What the paths of data in a model's config begin with."""
        return self.entries[name]['Metadata'].get('Data Root', 'data')

    def prepared_by(self, name: str) -> str:
        """The command that makes all that a model reads, or ''."""
        return self.entries[name]['Metadata'].get('Prepared By', '')


def read_index(path: str) -> Index:
    """Read a metafile, or all those in a folder and in its folders.

    Raises:
        OSError: if there is none.
        ValueError: if one is not of this form, or a model stands in two;
            names the file.
    """
    files = [path]
    if osp.isdir(path):
        inside = osp.join(glob.escape(path), '*', 'metafile.yml')
        files = [osp.join(path, 'metafile.yml'), *sorted(glob.glob(inside))]
    index = Index(path, {}, {})
    for file in files:
        for entry in _read_metafile(file):
            if entry['Name'] in index.entries:
                raise ValueError(f"'{file}': another model is called {entry['Name']}")
            index.entries[entry['Name']] = entry
            index.configs[entry['Name']] = _find_config(file, entry['Config'])
    return index


def _read_metafile(path: str) -> list[dict]:
    """The models of a metafile, with the fields of their collections."""
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"'{path}' is not YAML: {error}") from error
    models = content.get('Models') if isinstance(content, dict) else None
    if not models:
        raise ValueError(
            f"'{path}' has no 'Models', see configs/metafile.yml for the form"
        )
    if not isinstance(models, list) or not all(
        isinstance(entry, dict) and set(entry) >= NEEDED for entry in models
    ):
        raise ValueError(
            f"'{path}': 'Models' must be a list, of which each "
            f'has {sorted(NEEDED)}, see configs/metafile.yml'
        )
    # These may stand once for the whole file.
    of_file = {k: content[k] for k in ('Data Root', 'Prepared By') if k in content}
    collections = {
        collection['Name']: collection.get('Metadata', {})
        for collection in content.get('Collections', ())
    }
    for entry in models:
        of_collection = collections.get(entry.get('In Collection'), {})
        entry['Metadata'] = {**of_file, **of_collection, **entry.get('Metadata', {})}
    return models


def _find_config(metafile: str, config: str) -> str:
    """Path of a config, which is relative to a folder above the metafile."""
    folder = osp.dirname(osp.abspath(metafile))
    while not osp.isfile(osp.join(folder, config)):
        if folder == osp.dirname(folder):
            raise ValueError(f"'{metafile}': no folder above has '{config}'")
        folder = osp.dirname(folder)
    return osp.join(folder, config)
