"""The subcommands of `bike`: a module each, see ``bike_mmaction_cli.py``.

What a module imports at its top is imported before torch: only what reads
arguments. All else is imported by its ``run``.
"""
