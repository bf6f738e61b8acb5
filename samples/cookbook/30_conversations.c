/* Conversations with a program: by pipes, while it runs; and its end.
 *
 *   Prints:  1 hello
 *            2 goodbye
 *            it complains: at the end
 *            it ended with status 0
 *            another was ended by signal 15 */
#include <signal.h>
#include <stdio.h>
#include <troupe/net.h>

static int say(tr_process *p, const char *line, size_t bytes)
{
    const char *answer;
    int rc = tr_write_all(tr_process_stdin(p), line, bytes);
    ssize_t n = rc < 0 ? rc : tr_read_until(tr_process_stdout(p), &answer, "\n", 1000);

    return n > 0 ? printf("%.*s", (int)n, answer) : n < 0 ? (int)n : TR_EEND;
}

static int talk(void)
{
    const char *const argv[] = {
        "sh", "-c", "n=0; while read l; do n=$((n + 1)); echo $n $l; done; echo at the end >&2",
        NULL
    };
    const tr_process_options pipes = { .in = TR_STDIO_PIPE,
                                       .out = TR_STDIO_PIPE,
                                       .err = TR_STDIO_PIPE };
    tr_process *p tr_cleanup_process = NULL; /* who still runs then is killed */
    char text[100];
    int rc = tr_process_spawn(&p, argv, &pipes), status;
    ssize_t bytes;

    if (rc < 0 || (rc = say(p, "hello\n", 6)) < 0 || (rc = say(p, "goodbye\n", 8)) < 0 ||
        (rc = tr_close_write(tr_process_stdin(p))) < 0) /* it reads the end */
        return rc;
    if ((bytes = tr_read(tr_process_stderr(p), text, sizeof(text))) < 0)
        return (int)bytes;
    printf("it complains: %.*s", (int)bytes, text);
    rc = tr_process_wait(p, &status);
    return rc < 0 ? rc : printf("it ended with status %d\n", status);
}

static int end(void)
{
    const char *const argv[] = { "sleep", "60", NULL };
    tr_process *p;
    int rc = tr_process_spawn(&p, argv, NULL), status = 0;

    if (rc < 0)
        return rc;
    rc = tr_process_pid(p) > 0 ? tr_process_kill(p, SIGCONT) : 0; /* any signal */
    if (rc == 0)
        rc = tr_process_stop(p, 5); /* SIGTERM, and after five seconds SIGKILL */
    if (rc == 0)
        rc = tr_process_wait(p, &status);
    (void)tr_process_free(p);
    return rc < 0 ? rc : printf("another was ended by signal %d\n", -status);
}

static int app(void *arg)
{
    int rc = talk();

    (void)arg;
    return rc < 0 ? rc : end();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
