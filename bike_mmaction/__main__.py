"""``python -m bike_mmaction`` is the command `bike`.

Python has imported the package by then: `bike` itself, or
``python -m bike_mmaction_cli``, answers ``--help`` sooner.
"""

from bike_mmaction_cli import main

if __name__ == '__main__':
    main()
