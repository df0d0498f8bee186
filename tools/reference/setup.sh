#!/usr/bin/env bash
# Installs the Python references of golden numbers and benches into tools/reference/.venv (about 6 GB). Needs Python 3.11+.
set -euo pipefail
cd "$(dirname "$0")"
[ -d .venv ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
echo "references are ready: tools/reference/.venv/bin/python"
