/* Batches: so many at once, then the next.
 *
 *   Prints:  4 of 10 are done
 *            8 of 10 are done
 *            10 of 10 are done
 *            the widest is 50 now */
#include <stdio.h>
#include <troupe.h>

enum { COUNT = 10, BATCH = 4 };

static int resize(void *arg)
{
    int *width = arg;
    int rc = tr_sleep(0.01);

    *width /= 2;
    return rc;
}

static int app(void *arg)
{
    int widths[COUNT] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };
    int rc = 0;

    (void)arg;
    for (int done = 0, n; done < COUNT && rc >= 0; done += n) {
        n = COUNT - done < BATCH ? COUNT - done : BATCH;
        if ((rc = tr_map(&widths[done], n, sizeof(*widths), 0, resize)) >= 0)
            printf("%d of %d are done\n", done + n, COUNT);
    }
    return rc < 0 ? rc : printf("the widest is %d now\n", widths[COUNT - 1]);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
