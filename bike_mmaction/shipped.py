"""Where the configs and tools that travel with the package lie."""

import glob
import os.path as osp


def find_config(name: str) -> str:
    """Path of a config file, or of a shipped config by its bare name.

    Shipped configs travel inside the package, in ``.mim/configs``, or lie
    beside it in a source checkout.

    Args:
        name (str): Such as 'my/config.py', or 'bike_vitl14_k400'.

    Raises:
        FileNotFoundError: if there is neither.
    """
    if osp.isfile(name):
        return name
    package = osp.dirname(osp.abspath(__file__))
    places = (osp.join(package, '.mim'), osp.dirname(package))
    if name == osp.basename(name):
        file = f'{name}.py' if not name.endswith('.py') else name
        for place in places:
            found = glob.glob(
                osp.join(glob.escape(place), 'configs', '**', file), recursive=True
            )
            if found:
                return found[0]
    raise FileNotFoundError(
        f"'{name}' is neither a config file nor the name of a shipped config"
    )
