/* For each item, on all cores: with how far it has come.
 *
 *   Prints:  100 rows, the last is 9801
 *            all again, on two threads */
#include <stdio.h>
#include <troupe.h>

enum { ROWS = 100 };

static int shade(size_t y, void *rows) /* on a thread: it may block, and must not await */
{
    ((int *)rows)[y] = (int)(y * y);
    return 0;
}

static int tell(size_t done, size_t n, void *arg) /* now and then; below 0 it ends all */
{
    (void)arg;
    return done <= n ? 0 : TR_EINVAL;
}

static int app(void *arg)
{
    const tr_parallel_options options = { .threads = 2, .progress = tell, .progress_s = 0.5 };
    int rows[ROWS];
    int rc = tr_parallel_for(ROWS, shade, rows);

    (void)arg;
    if (rc < 0)
        return rc;
    printf("%d rows, the last is %d\n", ROWS, rows[ROWS - 1]);
    rc = tr_parallel_for_with(ROWS, shade, rows, &options);
    return rc < 0 ? rc : printf("all again, on two threads\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
