# Sourced by launch.sh and test.sh: installs what is missing, on Debian, by its own package names.
# Shell functions only; nothing runs when this file is read.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Runs as root, by sudo where we are not.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "this needs root for: $* -- run it as root, or install sudo"
  fi
}

# need_packages COMMAND=PACKAGE ...: installs the packages whose command is missing. A package that has no command stands
# alone.
need_packages() {
  local missing=() pair
  for pair in "$@"; do
    case $pair in
    *=*) command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}") ;;
    *) dpkg-query -W -f '${Status}' "$pair" 2>/dev/null | grep -q ' installed$' || missing+=("$pair") ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "missing: ${missing[*]}. This is no Debian: install them by hand"
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Rust: the machine's own if there is any, else Debian's recent compiler.
need_rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  if ! command -v cargo >/dev/null; then
    need_packages cargo=cargo-web rustc=rustc-web
  fi
  need_packages cc=gcc ld=binutils
  cargo --version >/dev/null 2>&1 || fail "cargo does not run; with rustup, install the toolchain of rust-toolchain.toml: rustup toolchain install 1.95.0"
}
