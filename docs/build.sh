#!/usr/bin/env bash
# Build the documentation as web pages; a warning is an error.
# Usage: bash docs/build.sh [options of sphinx-build], then open
# docs/_build/index.html
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${BIKE_VENV:-$PWD/.venv}
bash tools/setup_env.sh "$VENV"
export HF_HUB_OFFLINE=1 MPLBACKEND=Agg # nothing is downloaded, nothing shown
exec "$VENV/bin/python" -W ignore -m sphinx -W --keep-going -n -q \
    -d docs/_build/.doctrees "$@" docs docs/_build
