#!/usr/bin/env bash
# Coverage-guided fuzzing: every target for SECONDS (60 if not given), or those that are named after it.
#   fuzz/run.sh 300            all targets, five minutes each
#   fuzz/run.sh 3600 ini http  two targets, an hour each
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
case $seconds in '' | *[!0-9]*) echo "usage: fuzz/run.sh SECONDS [TARGET...]" >&2; exit 2 ;; esac
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(ini expansion xmlrpc listener http)
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo "nothing was fuzzed: this needs a nightly compiler and cargo-fuzz:" >&2
  echo "  rustup toolchain install nightly --profile minimal && cargo install --locked cargo-fuzz" >&2
  exit 3
fi
for target in "${targets[@]}"; do
  echo "== $target, $seconds s"
  mkdir -p "corpus/$target"
  # the first folder is where new inputs go; the seeds stay as they are
  cargo +nightly fuzz run --fuzz-dir . --target-dir ../target/fuzz "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
done
echo "nothing found"
