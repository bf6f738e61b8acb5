/* A sample, as a user writes it, in a simulation. It is compiled with other names for two functions
 * (cookbook.h): its main is sample_main here, which calls run_sample in the place of tr_main. So
 * its main task runs in the runtime of the test, and is cancelled as SIGTERM would cancel it. What
 * it prints is kept in memory, for the test to read. One at a time, of one run. */
#ifndef TR_TESTS_PROGRAM_H
#define TR_TESTS_PROGRAM_H

#include <getopt.h>

#include "http/simulated.h"

int sample_main(int argc, char **argv);
int run_sample(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
               const tr_config *cfg, size_t cfg_size);

static struct {
    int argc;
    char **argv;
    tr_task *task;
    int result; /* of its main task */
} program;

int run_sample(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
               const tr_config *cfg, size_t cfg_size)
{
    (void)argc, (void)argv, (void)name, (void)cfg, (void)cfg_size;
    program.result = fn(arg);
    return program.result < 0;
}

/* ---- what is printed ---- */

static struct {
    FILE *terminal;
    char *text;
    size_t bytes;
} printed;

static inline void keep_output(void)
{
    printed.terminal = stdout;
    stdout = open_memstream(&printed.text, &printed.bytes);
    MUST(stdout != NULL);
}

static inline void forget_output(void)
{
    (void)fclose(stdout); /* it is memory, which was there */
    stdout = printed.terminal;
    free(printed.text);
    printed.text = NULL;
}

/* Until a server says where it listens, or the task that it is has ended. */
static inline void await_listening(tr_task *server)
{
    while (printed.text == NULL || strstr(printed.text, "listening on ") == NULL) {
        MUST(!tr_future_is_done(tr_task_future(server)));
        MUST(tr_sleep(0.01) == 0);
    }
}

/* ---- the program ---- */

static inline int run_main(void *unused)
{
    (void)unused;
    optind = 0; /* options are read from the beginning */
    return sample_main(program.argc, program.argv);
}

/* Start it, with its name and its arguments, up to NULL: they are lent until it has ended. */
static inline void begin_program(char **argv, int loop)
{
    program.argv = argv;
    for (program.argc = 0; argv[program.argc] != NULL;)
        program.argc++;
    program.result = -1;
    MUST(tr_task_spawn_on(&program.task, TR_LOOP(loop), run_main, NULL) == 0);
}

/* As SIGTERM does. */
static inline void cancel_program(void)
{
    (void)tr_task_cancel(program.task); /* it may have ended */
}

/* Await its end: the result of its main task. */
static inline int await_program(void)
{
    (void)tr_task_wait(program.task, TR_FOREVER); /* the status that main has returned */
    tr_task_unref(program.task);
    program.task = NULL;
    return program.result;
}

#endif
