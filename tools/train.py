"""Train a recognizer: MMAction2's ``tools/train.py``, for BIKE's configs.

Usage: python tools/train.py CONFIG [options of MMAction2's train.py]
"""
from bike_mmaction.apis import load_toolbox_tool


def main() -> None:
    tool = load_toolbox_tool('train')
    merge_args = tool.merge_args

    def merge(cfg, args):
        if args.seed is not None:  # the toolbox would ignore it
            cfg.randomness = dict(cfg.get('randomness') or {}, seed=args.seed)
        return merge_args(cfg, args)

    tool.merge_args = merge
    tool.main()


if __name__ == '__main__':
    main()
