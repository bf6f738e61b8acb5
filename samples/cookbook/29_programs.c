/* Programs: run to their end, with input, output and a limit.
 *
 *   Prints:  apples pears
 *            status 3, and it complained: no such fruit
 *            sleep took too long
 *            there is no program of that name */
#include <stdio.h>
#include <troupe/net.h>

static int sort(const char *text, size_t bytes)
{
    const char *const argv[] = { "sort", NULL };
    tr_process_result r tr_cleanup_process_result = { 0 };
    int rc = tr_process_run(&r, argv, &(tr_process_options){ .input = text, .input_bytes = bytes });

    for (size_t i = 0; rc == 0 && i + 1 < r.out_bytes; i++)
        if (r.out[i] == '\n')
            r.out[i] = ' ';
    return rc < 0 ? rc : printf("%s", r.out);
}

static int complain(void)
{
    const char *const argv[] = { "sh", "-c", "echo 'no such fruit' >&2; exit 3", NULL };
    tr_process_result r;
    int rc = tr_process_run(&r, argv, NULL);

    if (rc == 0) /* it was run; below 0, r.status would be the signal that ended it */
        rc = printf("status %d, and it complained: %s", r.status, r.err);
    tr_process_result_free(&r);
    return rc;
}

static int wait_too_long(void)
{
    const char *const argv[] = { "sleep", "60", NULL };
    tr_process_result r tr_cleanup_process_result = { 0 };
    int rc = 0;

    TR_DEADLINE(0.05, &rc) {
        rc = tr_process_run(&r, argv, NULL);
    } /* it has been killed, and waited for */
    return rc == TR_ETIMEDOUT ? printf("sleep took too long\n") : rc;
}

static int app(void *arg)
{
    const char *const argv[] = { "no-program-has-this-name", NULL };
    tr_process_result r tr_cleanup_process_result = { 0 };
    int rc = sort("pears\napples\n", 13);

    (void)arg;
    if (rc < 0 || (rc = complain()) < 0 || (rc = wait_too_long()) < 0)
        return rc;
    rc = tr_process_run(&r, argv, NULL);
    return rc == TR_ENOENT ? printf("there is no program of that name\n") : rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
