/* An event listener that appends the payload of each event to FILE, one line each.
 * usage: listener FILE */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (out < 0) return 1;
    static char header[4096], payload[65536];
    for (;;) {
        if (write(1, "READY\n", 6) != 6 || fgets(header, sizeof header, stdin) == NULL) return 0;
        char *len = strstr(header, " len:");
        size_t length = len == NULL ? 0 : strtoul(len + 5, NULL, 10);
        if (length >= sizeof payload || fread(payload, 1, length, stdin) != length) return 1;
        payload[length] = '\n';
        if (write(out, payload, length + 1) < 0 || write(1, "RESULT 2\nOK", 11) != 11) return 1;
    }
}
