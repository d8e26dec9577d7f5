// The least that starting COUNT programs can take: three pipes and posix_spawn of `cat` for each, in one loop, and
// nothing else: no log files, no configuration, no states, no socket. Prints the seconds until the last is started.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void check(int code, const char *what) {
    if (code != 0) {
        fprintf(stderr, "starter: %s failed: %d\n", what, code);
        exit(1);
    }
}

static pid_t start(void) {
    int pipes[3][2];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++) {
        check(pipe2(pipes[i], O_CLOEXEC), "pipe2");
        posix_spawn_file_actions_adddup2(&actions, pipes[i][i == 0 ? 0 : 1], i);
    }
    char *arguments[] = {"cat", NULL};
    pid_t pid;
    check(posix_spawn(&pid, "/bin/cat", &actions, NULL, arguments, environ), "posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        close(pipes[i][i == 0 ? 0 : 1]);
    return pid;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    pid_t *pids = calloc(count, sizeof *pids);
    struct rlimit files = {4 * count + 64, 4 * count + 64};
    check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < count; i++)
        pids[i] = start();
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n", (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9);
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    return 0;
}
