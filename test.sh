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
step "end-to-end tests with real peers"
cargo nextest run -p pistack-e2e --locked
step "fuzz targets, some seconds each"
fuzz/run.sh 8
step "all green"
