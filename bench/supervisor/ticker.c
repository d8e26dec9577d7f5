/* Writes a 100-byte line every PERIOD milliseconds, beginning PHASE milliseconds after its start.
 * usage: ticker PERIOD PHASE */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void rest(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long period = strtol(argv[1], NULL, 10);
    char line[100];
    memset(line, 'x', sizeof line);
    line[99] = '\n';
    for (rest(strtol(argv[2], NULL, 10));; rest(period))
        if (write(1, line, sizeof line) != sizeof line) return 1;
}
