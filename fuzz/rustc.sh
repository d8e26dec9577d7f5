#!/bin/sh
# Cargo's RUSTC_WRAPPER for fuzz targets: pistack's own crates are compiled with the counters and comparisons that
# libFuzzer watches, all others as usual, which builds and runs faster. The stable compiler can do that; what only a
# nightly one can add are sanitizers, of little use where there is hardly any unsafe code.
case ${CARGO_PKG_NAME-} in
pistack-*)
  case " $* " in
  *" --crate-name build_script_"* | *" --crate-type proc-macro "*) exec "$@" ;;
  esac
  exec "$@" --cfg fuzzing -C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=3 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares
  ;;
*) exec "$@" ;;
esac
