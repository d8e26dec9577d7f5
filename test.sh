#!/usr/bin/env bash
# Installs what the tests need and runs every check. Can be run as often as you like.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/need.sh
began=$(date +%s)
step() { say "[$(( $(date +%s) - began )) s] $*"; }

step "what the tests need"
need_rust
export PATH="$PATH:/usr/sbin:/sbin" # where Debian keeps servers
need_packages git=git curl=curl python3=python3 openssl=openssl chromium=chromium node=nodejs npm=npm c++=g++
# Servers and attackers beside which the stack is tried; the tests start their own, on loopback ports.
need_packages pg_lsclusters=postgresql nginx=nginx-light caddy=caddy postfix=postfix testssl=testssl.sh \
  slowhttptest=slowhttptest faketime=faketime promtool=prometheus
# Two machines in emulation: one with the kernel's simulated GPIO chip, one that is a Raspberry Pi 3B.
need_packages qemu-system-x86_64=qemu-system-x86 qemu-system-aarch64=qemu-system-arm aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu \
  libc6-dev-arm64-cross busybox=busybox-static cpio=cpio make=make xz=xz-utils modprobe=kmod linux-source linux-headers-amd64
python3 -c 'import venv, ensurepip' 2>/dev/null || { as_root apt-get update -qq; as_root apt-get install -y -qq python3-venv >/dev/null; }
command -v cargo-nextest >/dev/null || { step "installing cargo-nextest"; cargo install --quiet --locked cargo-nextest; }
command -v cargo-deny >/dev/null || { step "installing cargo-deny"; cargo install --quiet --locked cargo-deny; }
e2e/peers.sh

step "format"
if cargo fmt --version >/dev/null 2>&1; then cargo fmt --all --check; else fail "rustfmt is missing: rustup component add rustfmt"; fi
step "vendored files"
cargo xtask vendor --check
step "house rules"
cargo xtask tidy
step "licences, bans, sources"
cargo deny --locked --log-level error check bans licenses sources
step "clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
step "unit and service tests"
cargo build --locked -p pistack
cargo nextest run --workspace --exclude pistack-e2e --locked
cargo test --workspace --doc --locked --quiet
step "interface documents"
cargo xtask spec --check
step "the program for the emulated Raspberry Pi"
cargo xtask dist --target aarch64-unknown-linux-gnu --quick --fetch
step "end-to-end tests with real peers"
cargo nextest run -p pistack-e2e --locked
step "fuzz targets, some seconds each"
FUZZ_SEED=1 fuzz/run.sh 8
step "all green"
