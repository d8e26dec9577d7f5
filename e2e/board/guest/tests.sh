# In the guest: io_service's own tests against the kernel's chip, then the whole stack's.
#
#   tests.sh IO-TEST-BINARY E2E-TEST-BINARY MICROSECONDS
#
# The third says how long this program's start takes outside (`pistack --version`): by that it is known how slow the
# emulated machine is.
set -eu
PISTACK_TEST_START_US=$3
export PISTACK_TEST_START_US
. "$(dirname "$0")/chip.sh"
cd /tmp
echo "--- io_service against gpio-sim"
"$1" --color=never --test-threads=1
echo "--- the stack against gpio-sim"
"$2" --color=never --ignored --nocapture --test-threads=1 board_guest::
