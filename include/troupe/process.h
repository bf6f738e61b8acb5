/* Programs that run beside this one.
 *
 *     const char *const argv[] = { "sort", "-u", NULL };
 *     tr_process_result r tr_cleanup_process_result = { 0 };
 *     int rc = tr_process_run(&r, argv, &(tr_process_options){ .input = text, .input_bytes = n });
 *     if (rc == 0 && r.status == 0)
 *         use(r.out, r.out_bytes);
 *
 * or, for a conversation:
 *
 *     const char *const argv[] = { "bc", "-q", NULL };
 *     tr_process *bc tr_cleanup_process = NULL;
 *     int rc = tr_process_spawn(&bc, argv, &(tr_process_options){ .in = TR_STDIO_PIPE,
 *                                                                 .out = TR_STDIO_PIPE });
 *     if (rc == 0)
 *         rc = tr_write_all(tr_process_stdin(bc), "6 * 7\n", 6);
 *     if (rc == 0 && (n = tr_read_until(tr_process_stdout(bc), &line, "\n", 100)) > 0)
 *         ...
 *     tr_close_write(tr_process_stdin(bc));
 *     rc = tr_process_wait(bc, &status);
 *
 * The program is found as a shell finds it, in this process's PATH; a relative name with a slash in
 * it counts from its own directory. Whether it could begin is the result of the call that starts
 * it: no exit status stands for that. Of this process's descriptors it has only those that it was
 * given; it ignores, blocks and handles no signals; limits stay.
 *
 * A process belongs to the loop on which it was started; only tasks of that loop may use it. It is
 * waited for when it ends, whether or not anybody asks: no zombie is left. One that still runs when
 * its loop closes is killed. No handler of SIGCHLD is set, and one of the program's own stays, and
 * is called for these processes, too. A program that waits for any child (waitpid(-1)), or ignores
 * SIGCHLD, takes how they end from this library: that is -ECHILD then.
 *
 * In a simulation all of it is TR_EWRONGPLACE: a process knows no virtual time. */
#ifndef TROUPE_PROCESS_H
#define TROUPE_PROCESS_H

#include <sys/types.h>
#include <troupe/io.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_process tr_process;

/* What a program has as its input, its output, or for its complaints. */
#define TR_STDIO_INHERIT 0          /* what this process has */
#define TR_STDIO_NULL    (-1)       /* /dev/null */
#define TR_STDIO_PIPE    (-2)       /* a pipe, whose other end is a tr_io */
#define TR_STDIO_OUT     (-3)       /* .err only: what .out is */
#define TR_STDIO_FD(fd)  ((fd) + 1) /* a descriptor, which stays the caller's */

/* A field that is 0 takes its default. */
typedef struct tr_process_options {
    const char *const *env; /* "NAME=value", NULL at the end; default: this process's environment */
    const char *cwd;        /* the directory it begins in; default: this process's */
    int in;                 /* TR_STDIO_...; of tr_process_run the default is TR_STDIO_NULL */
    int out;                /* of tr_process_run it is collected by default */
    int err;                /* likewise */
    bool new_session;       /* it has a session, and so a process group, of its own */
    uid_t uid;              /* who it runs as, where this process may say so: both, and no other */
    gid_t gid;              /* groups; 0: as this process */
    /* Of tr_process_run alone. */
    const void *input; /* what it reads, in the place of .in */
    size_t input_bytes;
    size_t most; /* bytes that may come of it, of each kind; 16 MiB */
} tr_process_options;

TR_API int tr__process_spawn(tr_process **out, const char *const *argv,
                             const tr_process_options *options, size_t options_size);

/* Start a program: tr_process_spawn(&p, argv, &options). argv ends with NULL, and argv[0] is its
 * name; options may be NULL. It is started by a thread of TR_POOL_IO, for that may take a while;
 * the size of this process does not count. *out is NULL on error.
 * Ownership: the caller's, until tr_process_free. argv and options are not needed any more.
 * Threads:   tasks (awaits).
 * Errors:    TR_ENOENT no such program, or directory; -EACCES; others of exec, chdir, setuid;
 *            TR_EMFILE; TR_ECANCELED it was not started; TR_ENOMEM; TR_EAGAIN; TR_EINVAL;
 *            TR_EWRONGPLACE; TR_ESHUTDOWN. */
#define tr_process_spawn(out, argv, ...)                                                           \
    tr__process_spawn((out), (argv), (__VA_ARGS__), sizeof(tr_process_options))

/* This process's ends of its pipes; NULL where it has none. tr_close_write on its input tells it
 * that nothing more comes.
 * Ownership: the process's: they are closed with it. Don't close them.
 * Threads:   its loop. */
TR_API tr_io *tr_process_stdin(const tr_process *p);
TR_API tr_io *tr_process_stdout(const tr_process *p);
TR_API tr_io *tr_process_stderr(const tr_process *p);

/* Its number, for people; it may be another process's when it has ended. 0 for NULL.
 * Threads: its loop. */
TR_API pid_t tr_process_pid(const tr_process *p);

/* Wait for its end, any number of times, also by several tasks. *status is its exit status, 0 to
 * 255, or below 0 the signal that ended it: -SIGKILL. status may be NULL.
 * Threads: tasks of its loop.
 * Errors:  TR_ECANCELED (it goes on); -ECHILD it has ended, but how is not known;
 *          TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_process_wait(tr_process *p, int *status);

/* Send it a signal. It never hits another process, for it goes through a descriptor of this one.
 * Threads: its loop.
 * Errors:  TR_EALREADY it has ended; TR_EPERM; TR_EINVAL no such signal; TR_EWRONGPLACE. */
TR_API int tr_process_kill(tr_process *p, int signo);

/* Let it end: SIGTERM, and SIGKILL if it still runs when `grace` seconds have passed, or the caller
 * is cancelled. It has ended when this returns.
 * Threads: tasks of its loop.
 * Errors:  TR_EPERM it runs as somebody else, and was not told; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_process_stop(tr_process *p, double grace);

/* Free it, and close its pipes; one that still runs is killed, and has ended when this returns.
 * Tasks that wait for it go on. NULL is allowed.
 * Threads: tasks of its loop; its loop, if it has ended; any, when the runtime has stopped.
 * Errors:  TR_EWRONGPLACE: it is not freed. */
TR_API int tr_process_free(tr_process *p);

/* How a program has ended, and what it has said: each followed by a 0, which does not count. */
typedef struct tr_process_result {
    int status; /* as of tr_process_wait */
    char *out;  /* NULL where it was not collected */
    size_t out_bytes;
    char *err;
    size_t err_bytes;
} tr_process_result;

TR_API int tr__process_run(tr_process_result *result, const char *const *argv,
                           const tr_process_options *options, size_t options_size);

/* Run a program to its end, and collect what it says: tr_process_run(&result, argv, &options). When
 * the caller is cancelled, or its time is over (TR_DEADLINE), the program is killed. It ends when
 * the program has, and nobody else can write to its pipes. On error the result is all zero.
 * Ownership: the result's texts are the caller's, until tr_process_result_free.
 * Threads:   tasks (awaits).
 * Errors:    TR_ETOOLARGE it said more than options.most: it was killed; as tr_process_spawn and
 *            tr_process_wait. */
#define tr_process_run(result, argv, ...)                                                          \
    tr__process_run((result), (argv), (__VA_ARGS__), sizeof(tr_process_options))

/* Free its texts. NULL, and a result of zeros, are allowed.
 * Threads: any. */
TR_API void tr_process_result_free(tr_process_result *result);

static inline void tr__cleanup_process(tr_process **at)
{
    (void)tr_process_free(*at); /* it awaits the end */
}
#define tr_cleanup_process        TR__CLEANUP(tr__cleanup_process)
#define tr_cleanup_process_result TR__CLEANUP(tr_process_result_free)

#ifdef __cplusplus
}
#endif
#endif
