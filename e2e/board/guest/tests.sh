# In the guest: io_service's own tests against the kernel's chip, then the whole stack's.
#
#   tests.sh IO-TEST-BINARY E2E-TEST-BINARY
set -eu
. "$(dirname "$0")/chip.sh"
cd /tmp
echo "--- io_service against gpio-sim"
"$1" --test-threads=1
echo "--- the stack against gpio-sim"
"$2" --ignored --nocapture --test-threads=1 board_guest::
