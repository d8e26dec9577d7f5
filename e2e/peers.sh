#!/usr/bin/env bash
# The real peers of the end-to-end tests: supervisor's own clients from PyPI (two versions), superlance, supervisor-checks, and the
# browser driver from npm. Installed once, below e2e/.
set -euo pipefail
cd "$(dirname "$0")"
venv() { # DIRECTORY REQUIREMENTS...; made anew when the requirements have changed
  local dir=$1; shift
  [ "$(cat "$dir/ready" 2>/dev/null)" = "$*" ] && return
  rm -rf "$dir"; python3 -m venv "$dir"
  "$dir/bin/pip" install -q "$@"
  echo "$*" > "$dir/ready"
}
venv .venv-4.2.5 supervisor==4.2.5 'setuptools<81' superlance==2.0.0 supervisor-checks==0.8.1 aiosmtpd==1.4.6
venv .venv-4.3.0 supervisor==4.3.0 'setuptools<81'
[ -d browser/node_modules ] || (cd browser && npm ci --silent --no-audit --no-fund)
venv .venv-schemathesis schemathesis==4.32.5
venv .venv-websockets websockets==15.0.1
venv .venv-glances glances==4.5.8
