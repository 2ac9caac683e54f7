"""How a recognizer is shared: written to a folder, or to a repository of the Hub."""

import os
import os.path as osp
import tempfile
from typing import Any, Optional, TypeVar, Union, cast

from ...checkpoint.shards import INDEX
from ...errors import SharedModelError
from ...shipped import HUB, SHARED_CONFIG, shared_weights
from ...terminal import printable
from .content import CARD, TOKENIZER, TOWER
from .download import Token, fetch, is_of_hub
from .reading import read_shared
from .saving import save_shared

Self = TypeVar('Self', bound='Shareable')
# Of an earlier model in a repository, which would be taken for parts of this one.
_OWN = (SHARED_CONFIG, '*.safetensors', f'*{INDEX}', f'{TOKENIZER}/*', f'{TOWER}/*')


class Shareable:
    """A recognizer that is shared as data: safetensors, JSON and a model card.

    What comes from elsewhere is read only if all of it is known to be harmless,
    see :mod:`bike_mmaction.apis.hub.allowed`.
    """

    @classmethod
    def from_pretrained(
        cls: type[Self],
        name: Union[str, os.PathLike],
        revision: Optional[str] = None,
        device: Optional[str] = None,
        token: Token = None,
        cache_dir: Optional[str] = None,
        local_files_only: bool = False,
        **options: Any,
    ) -> Self:
        """A recognizer that was shared; its predictions are those it had.

        Args:
            name (str | PathLike): A folder that :meth:`save_pretrained` has
                written, or a repository of the Hub, 'org/name' or 'hf-hub:org/name'.
            revision (str, optional): Branch, tag or commit of the repository.
                Defaults to None: the newest of the main branch.
            device (str, optional): As of the class.
            token (str | bool, optional): Of the Hub. Defaults to None: that of
                `hf auth login`, if there is one.
            cache_dir (str, optional): Where downloads are kept. Defaults to
                None: where huggingface_hub keeps them.
            local_files_only (bool): Whether to use nothing but what was
                downloaded before. Defaults to False.
            **options: Further arguments of the class, such as ``views``.

        Raises:
            SharedModelError: if it cannot be downloaded, or something in it is
                damaged, does not fit, or is not allowed in a shared model;
                names the repository, the file and what was expected.

        Examples:
            >>> bike = BIKEInferencer.from_pretrained('org/name')
            >>> recognition, = bike('video.mp4')
        """
        name = os.fspath(name)
        if osp.isdir(name) and not is_of_hub(name):
            folder = name
        else:
            folder = fetch(name, revision, token, cache_dir, local_files_only)
        path = osp.join(folder, SHARED_CONFIG)
        config = read_shared(path)
        return cls(config, shared_weights(path), device, **options)  # type: ignore

    def save_pretrained(
        self,
        folder: Union[str, os.PathLike],
        results: Optional[str] = None,
        license: Optional[str] = None,
    ) -> None:
        """Write the recognizer to a folder, for :meth:`from_pretrained`.

        Weights go to safetensors, all else that it needs to JSON: architecture,
        class names (those of :meth:`~.CallClasses.set_classes`, if they were
        set), prompt, lexicon, how videos are read, and tokenizers of Hugging
        Face. A README.md that is there already stays as it is.

        Args:
            folder (str | PathLike): Where to; it is made. An earlier model
                there is replaced.
            results (str, optional): Path of the results.json of a test, for the
                model card. Defaults to None: the card says that nothing was
                measured.
            license (str, optional): For the model card, as the Hub calls it,
                such as 'apache-2.0'. Defaults to None: not stated.

        Raises:
            SharedModelError: if the model has parts that cannot be shared.
            WriteError: if the folder cannot be written to.
        """
        folder = os.fspath(folder)
        name = osp.basename(osp.abspath(folder))  # where it lies is nobody's business
        self._save(folder, name, results, license)

    def push_to_hub(
        self,
        name: str,
        private: Optional[bool] = None,
        token: Token = None,
        revision: Optional[str] = None,
        commit_message: str = 'Upload a model of bike_mmaction',
        create_pr: bool = False,
        results: Optional[str] = None,
        license: Optional[str] = None,
    ) -> str:
        """Upload the recognizer to a repository of the Hub, which is made.

        What :meth:`save_pretrained` writes takes the place of an earlier model
        there; a README.md that is there already stays as it is.

        Args:
            name (str): Of the repository, such as 'org/name'.
            private (bool, optional): Whether a new repository is private.
                Defaults to None: as the organization has it.
            token (str | bool, optional): Which may write. Defaults to None: that
                of `hf auth login`.
            revision (str, optional): A branch, which is made. Defaults to None:
                the main one.
            commit_message (str): Its title.
            create_pr (bool): Whether to propose it as a pull request.
                Defaults to False.
            results (str, optional): See :meth:`save_pretrained`.
            license (str, optional): See :meth:`save_pretrained`.

        Returns:
            str: The address of the commit, or of the pull request.

        Raises:
            SharedModelError: if the model cannot be shared, or not uploaded;
                names the repository and the reason.
        """
        from huggingface_hub import HfApi

        name = name[len(HUB) :] if is_of_hub(name) else name
        api = HfApi(token=token)
        with tempfile.TemporaryDirectory() as folder:
            self._save(folder, name, results, license)
            try:
                api.create_repo(name, private=private, exist_ok=True)
                if revision is not None:
                    api.create_branch(name, branch=revision, exist_ok=True)
                has_card = api.file_exists(name, CARD, revision=revision)
                commit = api.upload_folder(
                    repo_id=name,
                    folder_path=folder,
                    revision=revision,
                    commit_message=commit_message,
                    create_pr=create_pr,
                    ignore_patterns=[CARD] if has_card else None,
                    delete_patterns=list(_OWN),
                )
            except Exception as error:  # also those of the package that it calls by
                lines = str(error).strip().splitlines() or [type(error).__name__]
                what = printable(name, in_one_line=True)
                raise SharedModelError(
                    f"cannot upload the model to '{what}': "
                    f'{" ".join(filter(None, lines[:3]))}; look at the name, the '
                    'network, and whether the token may write (hf auth login)'
                ) from error
        return str(getattr(commit, 'pr_url', None) or commit.commit_url)

    def _save(
        self, folder: str, name: str, results: Optional[str], license: Optional[str]
    ) -> None:
        own = cast(Any, self)  # an inferencer, see CallClasses
        same = own.classes == list(own.head.class_names)
        threshold = own._threshold if same else None  # chosen for the others
        save_shared(own.model, folder, own.classes, threshold, name, results, license)
