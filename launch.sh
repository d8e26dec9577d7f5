#!/usr/bin/env bash
# Builds pistack and runs the whole stack on its embedded defaults. Ctrl-C stops it.
# Arguments go to `pistack up`: ./launch.sh --https 0.0.0.0:9443
set -euo pipefail
cd "$(dirname "$0")"
. scripts/need.sh

say "[1/3] looking for the compiler"
need_rust
say "[2/3] building (the first time takes some minutes)"
cargo build --release --locked -p pistack
say "[3/3] starting"
exec ./target/release/pistack up "$@"
