# Starts the stack as an installed one is started: by root, with its user, state and configuration in their places.
# Lines that begin with BOARD_ are for the test.
export PATH=/usr/bin HOME=/root
# As the udev rules of Raspberry Pi OS give them.
chgrp gpio /dev/gpiochip* && chmod 660 /dev/gpiochip*
for channel in 0 1; do echo $channel > /sys/class/pwm/pwmchip0/export; done
chgrp -R gpio /sys/class/pwm/pwmchip0/ && chmod -R g+rw /sys/class/pwm/pwmchip0/
pistack --version || { echo "BOARD_FAILED the program does not run"; exit 1; }
echo "BOARD_ACCOUNT_FROM $(cut -d' ' -f1 /proc/uptime)"
echo correct-horse-battery | pistack --state-dir /var/lib/pistack user passwd root --stdin \
  || { echo "BOARD_FAILED no account"; exit 1; }
echo "BOARD_STACK_FROM $(cut -d' ' -f1 /proc/uptime)"
pistack up --state-dir /var/lib/pistack --https 0.0.0.0:8443 --http 0.0.0.0:8000
echo "BOARD_STACK_ENDED $?"
