/* One query for many: what each asks for alone is looked up together.
 *
 *   Prints:  one query for 3 rows
 *            rows 10 20 30
 *            one query for 1 rows
 *            row 40 */
#include <stdio.h>
#include <troupe.h>

struct look_up_args {
    tr_batcher *rows;
    int key;
    int *row;
};

static int query(void *const *items, size_t n, void *db) /* a task: it may await */
{
    int rc = tr_sleep(0.001);

    (void)db;
    for (size_t i = 0; i < n; i++) {
        const struct look_up_args *a = items[i];

        *a->row = 10 * a->key;
    }
    return rc < 0 ? rc : printf("one query for %zu rows\n", n);
}

static int look_up(void *arg)
{
    const struct look_up_args *a = arg;

    return tr_batcher_call(a->rows, arg); /* it waits until its batch was done */
}

static int use(tr_batcher *b)
{
    int rows[3] = { 0 }, last = 0, rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            tr_go(s, look_up, .rows = b, .key = i + 1, .row = &rows[i]);
    }
    if (rc < 0)
        return rc;
    printf("rows %d %d %d\n", rows[0], rows[1], rows[2]);
    TR_SCOPE(s, &rc) {
        tr_go(s, look_up, .rows = b, .key = 4, .row = &last);
        (void)tr_yield();          /* it is collected now, and waits for others, */
        (void)tr_batcher_flush(b); /* but no longer */
    }
    return rc < 0 ? rc : printf("row %d\n", last);
}

static int app(void *arg)
{
    tr_batcher *b;
    int rc = tr_batcher_new(&b, &(tr_batcher_options){ .fn = query, .most = 3, .longest = 10 });

    (void)arg;
    if (rc < 0)
        return rc;
    rc = use(b);
    (void)tr_batcher_close(b);
    TR_SHIELD(TR_FOREVER) {
        (void)tr_batcher_join(b); /* nothing is collected, and nothing runs */
    }
    (void)tr_batcher_free(b);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
