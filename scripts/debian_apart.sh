#!/bin/sh
# Takes Debian packages, of this or of another architecture, without changing the machine: apt's lists and the packages
# are kept in target/apt, and nothing is installed. Needs no root.
#
#   scripts/debian_apart.sh unpack FOLDER PACKAGE...    these packages, unpacked below FOLDER
#   scripts/debian_apart.sh whole FOLDER PACKAGE...     these and whatever they need that this machine has not
#   scripts/debian_apart.sh show PACKAGE                what apt says about the package's newest version
#
# PACKAGE is as for apt: busybox-static:arm64.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
apt=$root/target/apt
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

for tool in apt-get apt-cache dpkg dpkg-deb; do
  command -v $tool >/dev/null || fail "$tool is missing: this takes packages from Debian's archive and runs on Debian only"
done
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
# One at a time: tests run beside each other.
exec 9>"$apt/lock"
flock 9

cat >"$apt/apt.conf" <<CONF
APT::Architecture "$(dpkg --print-architecture)";
APT::Architectures { "amd64"; "arm64"; };
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$apt/cache";
CONF
export APT_CONFIG="$apt/apt.conf"

# A source that does not answer is no reason to stop: the package may come from another one.
lists() { apt-get update -qq >&2 || printf 'warning: not every source of apt answered\n' >&2; touch "$apt/updated"; }
# Lists of yesterday name packages that the archive may have dropped.
[ -n "$(find "$apt/updated" -mtime -1 2>/dev/null)" ] || lists

# The packages' files, in the folder of the run; once more with new lists if the archive has moved on.
take() { # how package...
  how=$1; shift
  rm -rf "$apt/taken"; mkdir -p "$apt/taken"
  if [ "$how" = whole ]; then
    rm -f "$apt"/cache/archives/*.deb
    apt-get install --download-only -y -qq --no-install-recommends "$@" >&2 || return 1
    find "$apt/cache/archives" -maxdepth 1 -name '*.deb' -exec mv {} "$apt/taken/" \;
  else
    (cd "$apt/taken" && apt-get download -qq "$@" >&2)
  fi
}

mode=${1:?}; shift
case $mode in
  show) apt-cache show --no-all-versions "$1" ;;
  unpack | whole)
    folder=${1:?}; shift
    take "$mode" "$@" || { lists; take "$mode" "$@"; } || fail "Debian's archive does not give: $*"
    mkdir -p "$folder"
    # None at all: this machine has everything.
    for package in "$apt"/taken/*.deb; do [ ! -f "$package" ] || dpkg-deb -x "$package" "$folder"; done
    rm -rf "$apt/taken" ;;
  *) fail "unpack, whole or show" ;;
esac
