"""The toolbox's own command-line tools, to run them with additions."""
import importlib.util
import os.path as osp
from types import ModuleType

import mmaction


def load_toolbox_tool(name: str) -> ModuleType:
    """Import ``train`` or ``test`` of the installed MMAction2.

    Its tools travel inside the package, in ``.mim/tools``, or lie beside it
    in a source checkout.

    Args:
        name (str): File name without ``.py``.

    Returns:
        ModuleType: With ``parse_args``, ``merge_args`` and ``main``.

    Raises:
        FileNotFoundError: if MMAction2 was installed without its tools.
    """
    package = osp.dirname(mmaction.__file__)
    places = [
        osp.join(package, '.mim', 'tools', f'{name}.py'),
        osp.join(osp.dirname(package), 'tools', f'{name}.py')
    ]
    for path in places:
        if osp.isfile(path):
            spec = importlib.util.spec_from_file_location(
                f'mmaction_tools_{name}', path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise FileNotFoundError(
        f"MMAction2's tool '{name}.py' is in none of {places}; reinstall it "
        'with: pip install --force-reinstall --no-deps mmaction2==1.2.0')
