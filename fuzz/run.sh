#!/usr/bin/env bash
# Coverage-guided fuzzing: every target for SECONDS (60 if not given), or those that are named after it.
#   fuzz/run.sh 300            all targets, five minutes each
#   fuzz/run.sh 3600 ini http  two targets, an hour each
#   fuzz/run.sh 0              builds only
#   FUZZ_SEED=1 fuzz/run.sh 8  the same inputs at each run, as ./test.sh does
# Needs nothing but the compiler of rust-toolchain.toml and a C++ compiler. What is found lies in fuzz/found, and runs
# again by: target/fuzz/debug/TARGET fuzz/found/TARGET/FILE
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
case $seconds in '' | *[!0-9]*) echo "usage: fuzz/run.sh SECONDS [TARGET...]" >&2; exit 2 ;; esac
targets=("$@")
# every [[bin]] of Cargo.toml is a target
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n '/^\[\[bin\]\]/,/^$/s/^name = "\(.*\)"/\1/p' Cargo.toml)
command -v c++ >/dev/null || { echo "libFuzzer needs a C++ compiler (Debian: g++)" >&2; exit 3; }

folder=$PWD/../target/fuzz
selected=()
for target in "${targets[@]}"; do selected+=(--bin "$target"); done
RUSTC_WRAPPER=$PWD/rustc.sh cargo build --quiet --locked --target-dir "$folder" "${selected[@]}"
[ "$seconds" -gt 0 ] || exit 0

# one after the other on one core each: as many at a time as there are cores, so that all of them take their time
# divided by the cores
fuzz_one() {
  local target=$1 code=0
  local found=$PWD/found/$target log=$PWD/found/$target.log
  mkdir -p "corpus/$target" "seeds/$target" "$found"
  # The first folder is where new inputs go; the seeds stay as they are. -max_total_time is looked at between two
  # inputs, and not before all known ones were read: `timeout` interrupts what has not ended by then, which is no
  # failure. What takes longer than -timeout is one.
  timeout --signal=INT --kill-after=20 "$((seconds + 2))" \
    "$folder/debug/$target" "corpus/$target" "seeds/$target" -artifact_prefix="$found/" \
    -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 >"$log" 2>&1 || code=$?
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  case $code in
  # 72 and 124: it was interrupted
  0 | 72 | 124) echo "== $target: ${runs:-some} inputs, nothing found" ;;
  *) tail -n 40 "$log" >&2; echo "== $target: found something (status $code), see $log" >&2; return 1 ;;
  esac
}
failed=0
running=0
cores=$(nproc)
for target in "${targets[@]}"; do
  if [ "$running" -ge "$cores" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  fuzz_one "$target" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit "$failed"
