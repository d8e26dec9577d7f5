#!/bin/sh
# An emulated Raspberry Pi 3B (1 GB): QEMU's raspi3b with Debian's arm64 kernel, the real drivers for its GPIO chip, PWM,
# thermometer and watchdog, and a network over USB. Software emulation always, never KVM. It boots a small system in
# memory with the arm64 build of pistack and the files of e2e/board/pi, and starts the whole stack.
#
#   e2e/board/pi.sh PROGRAM [SOCKET]   boot with this arm64 program; becomes QEMU, so the caller has QEMU's process id
#   e2e/board/pi.sh --build            only take what is missing
#
# SOCKET is where QEMU's qtest interface listens: reads and writes the chip's registers from outside. With it QEMU goes on
# after the guest has switched itself off; end it by its process id.
# HTTPS, HTTP and SHELL_PORT name free loopback ports for the stack and for a root shell (one line in, output back).
# The console is shown and kept as target/board/pi/console.log (BOARD_LOG names another file). Packages are taken from
# Debian without being installed and kept in target/board/pi; nothing of them is committed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/board/pi
log=${BOARD_LOG:-$work/console.log}
PATH=$PATH:/usr/sbin:/sbin

die() { echo "board-pi: $*" >&2; exit 3; }
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: apt-get install $2"; }
need qemu-system-aarch64 qemu-system-arm
need cpio cpio
need xz xz-utils
need modprobe kmod

# Everything the guest loads, dependencies are found. dwc2 to cdc_ether are the network over USB.
wanted="bcm2835_wdt bcm2835_thermal pwm-bcm2835 phy-generic dwc2 cdc_ether"

build() {
  if [ -f "$work/ready" ]; then version=$(cat "$work/ready"); return; fi
  rm -rf "$work/packages"
  mkdir -p "$work"
  # The kernel that the running release of Debian has today.
  version=$("$root/scripts/debian_apart.sh" show linux-image-arm64:arm64 | sed -n 's/^Depends: linux-image-\([^ ,]*\).*/\1/p')
  [ -n "$version" ] || die "Debian's archive names no kernel for arm64"
  echo "board-pi: taking Debian's kernel $version for arm64"
  "$root/scripts/debian_apart.sh" unpack "$work/packages" "linux-image-$version:arm64" busybox-static:arm64 \
    libc6:arm64 libgcc-s1:arm64 || die "the packages cannot be taken"
  depmod -b "$(modules_base)" "$version"
  echo "$version" > "$work/ready"
}

# Debian 13 keeps the modules below /usr, Debian 12 does not.
modules_base() {
  if [ -d "$work/packages/lib/modules/$version" ]; then echo "$work/packages"; else echo "$work/packages/usr"; fi
}

copy_modules() {
  mkdir -p "$tree/m"
  : > "$tree/m/order"
  for module in $wanted; do
    # What is built into the kernel has no file.
    modprobe -d "$(modules_base)" -S "$version" --show-depends --ignore-install "$module" \
      | sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r file; do
      short=$(basename "$file" | sed 's/\.ko.*//')
      [ -e "$tree/m/$short.ko" ] && continue
      case $file in
        *.xz) xz -dc "$file" > "$tree/m/$short.ko" ;;
        *) cp "$file" "$tree/m/$short.ko" ;;
      esac
      echo "$short" >> "$tree/m/order"
    done
  done
}

initramfs() { # program
  rm -rf "$tree"
  mkdir -p "$tree/usr/bin" "$tree/usr/lib/aarch64-linux-gnu" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/run" \
    "$tree/tmp" "$tree/etc" "$tree/var/lib/pistack"
  for name in bin lib; do ln -s "usr/$name" "$tree/$name"; done
  ln -s usr/bin "$tree/sbin"
  find "$work/packages" -type f -path '*/bin/busybox' -exec cp {} "$tree/usr/bin/busybox" \;
  # The C library of the packages, wherever this release puts it.
  find "$work/packages" -path '*aarch64-linux-gnu/*' -maxdepth 5 -name '*.so*' -exec cp -a {} "$tree/usr/lib/aarch64-linux-gnu/" \;
  ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$tree/usr/lib/ld-linux-aarch64.so.1"
  cp "$1" "$tree/usr/bin/pistack"
  cp -R "$here/pi/." "$tree/"
  chmod +x "$tree/init" "$tree/usr/bin/pistack"
  copy_modules
  (cd "$tree" && find . | cpio -o -H newc 2>/dev/null | gzip -1) > "$tree.gz"
  rm -rf "$tree"
}

build
[ "${1:-}" = --build ] && exit 0
[ -f "${1:-}" ] || die "usage: pi.sh PROGRAM [SOCKET]; the program is built by cargo xtask dist --target aarch64-unknown-linux-gnu"
tree=$work/initramfs-$$
initramfs "$1"
image=$(find "$work/packages" -name "vmlinuz-$version" | head -1)
board=$(find "$work/packages" -name bcm2837-rpi-3-b.dtb | head -1)
# The kernel and the packed tree are read before the guest runs; the file is removed by the next boot.
find "$work" -maxdepth 1 -name 'initramfs-*.gz' ! -name "initramfs-$$.gz" -mmin +60 -exec rm -f {} +
forward="hostfwd=tcp:127.0.0.1:${HTTPS:-18443}-:8443,hostfwd=tcp:127.0.0.1:${HTTP:-18000}-:8000,hostfwd=tcp:127.0.0.1:${SHELL_PORT:-17000}-:7000"
mkdir -p "$(dirname "$log")"
set -- -M raspi3b -m 1G -accel tcg -kernel "$image" -dtb "$board" -initrd "$tree.gz" \
  -append "console=ttyAMA0,115200 rdinit=/init panic=-1 quiet" -nographic -no-reboot -monitor none \
  -chardev "stdio,id=console,signal=off,logfile=$log,logappend=off" -serial chardev:console \
  -usb -device usb-net,netdev=net -netdev "user,id=net,restrict=on,$forward" \
  ${2:+-qtest "unix:$2,server=on,wait=off" -qtest-log none}
exec qemu-system-aarch64 "$@" < /dev/null
