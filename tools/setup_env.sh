#!/usr/bin/env bash
# Make the virtual environment of this project, or bring it up to date.
#
# Usage: tools/setup_env.sh [DIR]      then use DIR/bin/python
#   DIR        where; by default $BIKE_VENV, or .venv in the project
#   PYTHON     the Python to make it with (python3)
#   BIKE_PINS  the versions to install (requirements/pins.txt)
#
# Returns at once when nothing has changed since the last time.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${1:-${BIKE_VENV:-$ROOT/.venv}}
PINS=${BIKE_PINS:-$ROOT/requirements/pins.txt}
STAMP=$VENV/bike_mmaction.stamp  # of a finished installation

say() { echo "setup_env: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

# What an installation depends on; the project is installed in place, so that
# its own code is none of it.
fingerprint() {
    echo "$ROOT"
    "$VENV/bin/python" --version
    cat "$PINS" "$ROOT/pyproject.toml" "$ROOT/setup.py" \
        "$ROOT/bike_mmaction/version.py" \
        "${BASH_SOURCE[0]}" | cksum
}

# The range stands in the pins: "# Python: 3.11 to 3.13".
check_python() {
    # shellcheck disable=SC2046
    "$1" - $(sed -n 's/^# Python: \(.*\) to \(.*\)$/\1 \2/p' "$PINS") <<'EOF' ||
import sys
low, high = sys.argv[1:]
this = '{}.{}'.format(*sys.version_info)
key = lambda version: [int(n) for n in version.split('.')]
if not key(low) <= key(this) <= key(high):
    sys.exit('setup_env: {} is Python {}, but it must be {} to {}'.format(
        sys.executable, this, low, high))
EOF
        fail "set PYTHON to another, and delete $VENV if it is there"
}

pip() {
    "$VENV/bin/python" -m pip --no-input --disable-pip-version-check "$@" >&2
}

install() {
    rm -f "$STAMP"
    say "installing $(basename "$PINS") into $VENV"
    say "this takes 2 to 10 minutes:$(sed -n '3s/^#//p' "$PINS")"
    pip install -r "$PINS" || fail "pip failed, see above. It needs PyPI (or" \
        "PIP_INDEX_URL) and room on the disk; run this again, or delete $VENV"
    pip install --no-deps --no-build-isolation -e "$ROOT" ||
        fail "pip could not install the project itself, see above"
    "$VENV/bin/python" -W ignore -c 'import bike_mmaction' ||
        fail "the installed packages do not work together, see above"
    fingerprint >"$STAMP.tmp"
    mv "$STAMP.tmp" "$STAMP"
    say "ready after $SECONDS s"
}

[ -f "$PINS" ] || fail "there is no file $PINS"
if ! "$VENV/bin/python" -c '' 2>/dev/null; then
    PYTHON=${PYTHON:-python3}
    # For the other tools PYTHON is the one to use, which is yet to be made.
    [ "$PYTHON" != "$VENV/bin/python" ] || PYTHON=python3
    command -v "$PYTHON" >/dev/null || fail "there is no $PYTHON"
    check_python "$PYTHON"
    say "making $VENV with $("$PYTHON" --version)"
    "$PYTHON" -m venv "$VENV" ||
        fail "no virtual environment (on Debian: apt install python3-venv)"
fi
if [ "$(fingerprint)" != "$(cat "$STAMP" 2>/dev/null)" ]; then
    check_python "$VENV/bin/python"
    install
fi
