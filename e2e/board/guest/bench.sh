# In the guest: the figures of `cargo xtask bench io`.
#
#   bench.sh PYTHON-WITH-GPIOZERO PISTACK MEASURING-TESTS
set -eu
NO_SENSOR=yes
. "$(dirname "$0")/chip.sh"
guest=$(cd "$(dirname "$0")" && pwd)
cd /tmp
"$1" "$guest/bench.py" gpiozero
"$3" --color=never --ignored --nocapture --test-threads=1 measure::
python3 "$guest/bench.py" pistack "$2"
