#!/usr/bin/env bash
# Set up the environment, check the style and run the tests.
# Usage: bash tests/run.sh [--stack oldest|newest] [--cov] [options of pytest]
# With --stack: on requirements/oldest.txt or newest.txt, in .venv-oldest or
# .venv-newest; PYTHON is the one to make it with, which these files name.
# With --cov: branch coverage, also of what the tests start as programs.
# Without the tests marked slow: bash tests/run.sh -m "not slow"
set -uo pipefail
cd "$(dirname "$0")/.."

VENV=${BIKE_VENV:-$PWD/.venv}
if [ "${1:-}" = --stack ]; then
    case ${2:-} in
    oldest | newest) ;;
    *)
        echo "run.sh: error: --stack must be oldest or newest, not '${2:-}'" >&2
        exit 2
        ;;
    esac
    export BIKE_PINS=$PWD/requirements/$2.txt
    VENV=${BIKE_VENV:-$PWD/.venv-$2}
    shift 2
fi
bash tools/setup_env.sh "$VENV" || exit 1

# Tiny models gain nothing from more threads, but files of tests run at once.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export MPLBACKEND=Agg
export HF_HUB_OFFLINE=1  # no test downloads a model

coverage=()
if [ "${1:-}" = --cov ]; then
    shift
    coverage=(--cov --cov-report=term)  # settings: pyproject.toml
fi

status=0
check() {
    echo "== $*"
    "$VENV/bin/python" -m "$@" || status=1
}
code=(bike_mmaction bike_mmaction_cli.py configs docs examples tests tools setup.py README.md)
check ruff check --quiet "${code[@]}"
check ruff format --check --diff "${code[@]}"
# not among the oldest versions
if "$VENV/bin/python" -c 'import mypy' 2>/dev/null; then check mypy; fi
# One more than there are cores: many tests wait for processes of their own.
workers=$("$VENV/bin/python" -c 'import os; print(min(4, os.cpu_count() + 1))')
check pytest -n "$workers" --dist loadfile --no-loadscope-reorder "${coverage[@]}" "$@"
exit $status
