#!/bin/sh
# A small virtual machine with a real GPIO chip: Debian's own kernel in QEMU (software emulation, never KVM), the
# kernel's gpio-sim built as one module from Debian's linux-source, and this machine's root file system over 9p,
# read-only. So what was built here runs there at the same paths.
#
#   e2e/board/sim.sh GUEST-SCRIPT [ARGUMENT...]    boot, run the script as root, end with its exit code
#   e2e/board/sim.sh --build                       only build what is missing
#
# The console is shown and kept as e2e/artifacts/board-sim.log (BOARD_LOG names another file). The guest has /run and
# /tmp of its own. What is built lies in target/board/sim and is made once; nothing of the kernel is committed.
# LIMIT (seconds, 300) ends a machine that hangs. Needs the packages named by `need` below, all Debian's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/board/sim
log=${BOARD_LOG:-$root/e2e/artifacts/board-sim.log}
PATH=$PATH:/usr/sbin:/sbin

die() { echo "board-sim: $*" >&2; exit 3; }
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: apt-get install $2"; }
need qemu-system-x86_64 "qemu-system-x86"
need busybox busybox-static
if ldd "$(command -v busybox)" >/dev/null 2>&1; then die "this busybox needs libraries: apt-get install busybox-static"; fi
need cpio cpio
need make make
need xz xz-utils
need modprobe kmod

# The running release's kernel and its sources: the version is found, because Debian's next release has another one.
kernel_image() { apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -1; }
newest_headers() { find /usr/src -maxdepth 1 -name 'linux-headers-*-amd64' | sort -V | tail -1; }

build() {
  headers=$(newest_headers)
  [ -n "$headers" ] || die "no kernel headers: apt-get install linux-headers-amd64 (Debian's; no other system's are known here)"
  version=${headers##*/linux-headers-}
  source=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -1)
  [ -n "$source" ] || die "no kernel source: apt-get install linux-source"
  mkdir -p "$work"
  if [ "$(cat "$work/ready" 2>/dev/null)" = "$version $source" ]; then return; fi
  rm -rf "$work/ready" "$work/mod" "$work/img"
  fetch_image
  build_module
  echo "$version $source" > "$work/ready"
}

# Debian's kernel is unpacked beside, not installed: nothing of this machine's boot changes. One that is installed is
# taken as it is.
fetch_image() {
  package=linux-image-$version
  if [ -f "/boot/vmlinuz-$version" ] && [ -d "/lib/modules/$version/kernel" ]; then
    mkdir -p "$work/img/boot" "$work/img/lib/modules"
    cp "/boot/vmlinuz-$version" "$work/img/boot/"
    cp -r "/lib/modules/$version" "$work/img/lib/modules/"
  else
    echo "board-sim: unpacking $package"
    (cd "$work" && apt-get download -qq "$package" && dpkg -x "$package"_*.deb img && rm -f "$package"_*.deb) \
      || die "$package cannot be fetched. Do 'apt-get update && apt-get install linux-headers-amd64': the newest here is $(kernel_image)"
  fi
  modules=$work/img/lib/modules/$version
  [ -d "$modules" ] || modules=$work/img/usr/lib/modules/$version
  depmod -b "${modules%/lib/modules/*}" "$version"
}

# gpio-sim raises its edges through irq_sim, and Debian builds neither: both become one module. irq_to_desc() is not
# exported to modules; generic_handle_irq_safe() is, and does the same here.
build_module() {
  echo "board-sim: building gpio-sim for $version"
  mkdir -p "$work/mod"
  name=$(basename "$source" .tar.xz)
  tar -C "$work/mod" --strip-components=3 -xf "$source" \
    "$name/drivers/gpio/gpio-sim.c" "$name/drivers/gpio/gpiolib.h" "$name/kernel/irq/irq_sim.c"
  sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq_safe(irqnum)/' "$work/mod/irq_sim.c"
  printf 'obj-m := gpio-simulator.o\ngpio-simulator-y := gpio-sim.o irq_sim.o\n' > "$work/mod/Makefile"
  make -s -C "/lib/modules/$version/build" M="$work/mod" modules > "$work/mod/build.log" 2>&1 \
    || { cat "$work/mod/build.log"; die "gpio-sim does not build for $version"; }
  strip -g -o "$work/gpio-simulator.ko" "$work/mod/gpio-simulator.ko"
}

# Everything the guest loads, dependencies first. The sensor (lm75 on a stub bus) is loaded by the guest scripts.
wanted="virtio_pci 9pnet_virtio 9p configfs i2c-dev i2c-stub lm75 dummy"

initramfs() {
  base=$work/img
  [ -d "$base/lib/modules/$version" ] || base=$work/img/usr
  tree=$work/initramfs-$$
  rm -rf "$tree"
  mkdir -p "$tree/bin" "$tree/m" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/host"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp "$work/gpio-simulator.ko" "$tree/m/"
  : > "$tree/m/order"
  for module in $wanted; do
    # What is built in has no file.
    modprobe -d "$base" -S "$version" --show-depends --ignore-install "$module" \
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
  init > "$tree/init"
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc 2>/dev/null | gzip -1) > "$work/initramfs-$$.gz"
}

init() {
  cat <<'INIT'
#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
for m in $($B cat /m/order) gpio-simulator; do
  # the stub bus takes its chip's address as it is loaded
  case $m in i2c-stub) o=chip_addr=0x48 ;; *) o= ;; esac
  $B insmod /m/$m.ko $o || echo "board-sim: $m is not loaded"
done
$B mount -t configfs none /sys/kernel/config; $B mount -t debugfs none /sys/kernel/debug
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host || $B poweroff -f
for d in proc dev; do $B mount -o bind /$d /host/$d; done; $B mount -o rbind /sys /host/sys
# A checkout below /tmp would vanish under the guest's own.
tree=$($B sed -n 's/.* tree=\([^ ]*\).*/\1/p' /proc/cmdline)
case $tree in /tmp/*) $B mkdir /tree; $B mount -o bind "/host$tree" /tree ;; esac
for d in run tmp dev/shm; do $B mkdir -p /host/$d 2>/dev/null; $B mount -t tmpfs tmpfs /host/$d 2>/dev/null; done
case $tree in /tmp/*) $B mkdir -p "/host$tree"; $B mount --move /tree "/host$tree" ;; esac
$B ip link set lo up
echo "board-sim: up after $($B cut -d' ' -f1 /proc/uptime) s"
set -f
run=$($B sed -n 's/.* run=\([^ ]*\).*/\1/p' /proc/cmdline | $B tr '|' ' ')
$B env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp $B chroot /host /bin/sh $run
echo "GUEST_RC=$?"
$B poweroff -f
INIT
}

boot() {
  image=$(find "$work/img" -name "vmlinuz-$version" | head -1)
  arguments=$(printf '%s|' "$@"); arguments=${arguments%|}
  mkdir -p "$(dirname "$log")"
  timeout "${LIMIT:-300}" qemu-system-x86_64 -M q35,accel=tcg -cpu max -m "${MEMORY:-1536}" -smp 2 \
    -nodefaults -no-user-config -display none -serial stdio -monitor none -no-reboot \
    -kernel "$image" -initrd "$work/initramfs-$$.gz" \
    -fsdev local,id=r,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=r,mount_tag=host \
    -append "console=ttyS0 panic=-1 quiet tree=$root run=$arguments" < /dev/null 2>&1 | stdbuf -o0 tr -d '\000\r' | tee "$log"
}

build
[ "${1:-}" = --build ] && exit 0
[ -n "${1:-}" ] || die "usage: sim.sh GUEST-SCRIPT [ARGUMENT...]"
trap 'rm -rf "$work/initramfs-$$.gz" "$work/initramfs-$$"' EXIT
initramfs
boot "$@"
code=$(sed -n 's/^.*GUEST_RC=\([0-9]*\).*$/\1/p' "$log" | tail -1)
[ -n "$code" ] || die "the guest did not come to its end (console: $log)"
exit "$code"
