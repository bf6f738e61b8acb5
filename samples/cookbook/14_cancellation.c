/* Cancellation: an error like others, which awaits return; a task cleans up, and goes.
 *
 *   Prints:  writing
 *            cleaned up
 *            the report was given up */
#include <stdio.h>
#include <troupe.h>

static void clean_up(void *unused)
{
    (void)unused;
    (void)tr_sleep(0.01); /* it may await, though the task is cancelled */
    printf("cleaned up\n");
}

static int write_report(void *arg)
{
    TR_DEFER(clean_up, arg);
    printf("writing\n");
    int rc = tr_sleep(60);
    return rc < 0 ? rc : printf("written\n");
}

static int app(void *arg)
{
    tr_task *report tr_cleanup_task = NULL;
    int rc = tr_task_spawn(&report, write_report, arg);

    if (rc < 0)
        return rc;
    (void)tr_sleep(0.01); /* when this task is cancelled, the report is so, too */
    (void)tr_task_cancel(report);
    rc = tr_task_wait(report, TR_FOREVER);
    if (rc != TR_ECANCELED || tr_cancel_requested())
        return rc;
    return printf("the report was given up\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
