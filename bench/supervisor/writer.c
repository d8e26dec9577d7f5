/* Writes TOTAL bytes of 100-byte lines to standard output, BLOCK bytes a write, then waits to be stopped.
 * usage: writer BLOCK TOTAL */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t block = strtoul(argv[1], NULL, 10), left = strtoul(argv[2], NULL, 10);
    if (block == 0) return 2;
    /* one line more than a block: any place within a line can begin a write */
    char *text = malloc(block + 100);
    if (text == NULL) return 1;
    for (size_t at = 0; at < block + 100; at++) text[at] = at % 100 == 99 ? '\n' : 'a' + at % 100 % 26;
    size_t phase = 0;
    while (left > 0) {
        ssize_t written = write(1, text + phase, left < block ? left : block);
        if (written <= 0) return 1;
        left -= written;
        phase = (phase + written) % 100;
    }
    for (;;) pause();
}
