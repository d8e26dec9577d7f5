# Sourced by the guest scripts: the board that the tests drive.
#
# A chip labelled as a Raspberry Pi 4's header with the kernel's simulator behind it, a second one that can be taken away,
# and a thermometer (lm75) on a stub bus. SIM and SPARE are the directories in which a test turns the knobs
# (`sim_gpioN/value` is what is seen from outside, `sim_gpioN/pull` drives an input).
config=/sys/kernel/config/gpio-sim
mkdir "$config/pi" "$config/pi/bank" "$config/spare" "$config/spare/bank" "$config/tests" "$config/tests/bank"
echo 58 > "$config/pi/bank/num_lines"; echo pinctrl-bcm2711 > "$config/pi/bank/label"
echo 8 > "$config/spare/bank/num_lines"; echo spare > "$config/spare/bank/label"
echo 54 > "$config/tests/bank/num_lines"; echo tests > "$config/tests/bank/label"
# Held by the kernel: whoever asks for it is told by whom.
mkdir "$config/pi/bank/line5" "$config/pi/bank/line5/hog"
echo fan-control > "$config/pi/bank/line5/hog/name"; echo output-low > "$config/pi/bank/line5/hog/direction"
for chip in pi spare tests; do echo 1 > "$config/$chip/live"; done
SIM=/sys/devices/platform/$(cat "$config/pi/dev_name")/$(cat "$config/pi/bank/chip_name")
SPARE=/sys/devices/platform/$(cat "$config/spare/dev_name")/$(cat "$config/spare/bank/chip_name")
SPARE_LIVE=$config/spare/live
SPARE_NAME=$config/spare/bank/chip_name
PISTACK_TEST_SIM=/sys/devices/platform/$(cat "$config/tests/dev_name")/$(cat "$config/tests/bank/chip_name")
PISTACK_TEST_CHIP=tests
export SIM SPARE SPARE_LIVE SPARE_NAME PISTACK_TEST_SIM PISTACK_TEST_CHIP

# The sensor, unless NO_SENSOR is set: its driver asks the stub bus, which answers what was put there (register 0 = 0x1780, high byte last).
for adapter in /sys/bus/i2c/devices/i2c-*; do
  [ -z "${NO_SENSOR:-}" ] || break
  grep -q 'SMBus stub' "$adapter/name" || continue
  echo lm75 0x48 > "$adapter/new_device"
  python3 - "/dev/${adapter##*/}" <<'PYTHON'
import ctypes, fcntl, os, sys
class Smbus(ctypes.Structure):  # struct i2c_smbus_ioctl_data
    _fields_ = [("write", ctypes.c_uint8), ("command", ctypes.c_uint8), ("size", ctypes.c_uint32), ("data", ctypes.c_void_p)]
bus = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(bus, 0x0706, 0x48)  # I2C_SLAVE_FORCE: the driver has the address
word = ctypes.c_uint16(0x8017)
fcntl.ioctl(bus, 0x0720, Smbus(0, 0, 3, ctypes.cast(ctypes.pointer(word), ctypes.c_void_p)))  # I2C_SMBUS, WORD_DATA
PYTHON
done
