/* Async iterators and generators: items of a list that comes page by page, as many as are wanted.
 *
 *   Prints:  user 0
 *            user 1
 *            user 2
 *            user 3
 *            user 4 */
#include <stdio.h>
#include <troupe.h>

enum { PAGE = 3, USERS = 8 };

/* How many users are on the page: none behind the last one. */
static int fetch_page(int number, int *users)
{
    int rc = tr_sleep(0.01), n = 0;

    for (; rc >= 0 && n < PAGE && number * PAGE + n < USERS; n++)
        users[n] = number * PAGE + n;
    return rc < 0 ? rc : n;
}

static int users(tr_stream *out, void *arg)
{
    int page[PAGE], n, rc;

    (void)arg;
    for (int number = 0; (n = fetch_page(number, page)) > 0; number++)
        for (int i = 0; i < n; i++)
            if ((rc = tr_emit(out, &page[i])) < 0)
                return rc; /* nobody wants more: clean up and go */
    return n;
}

static int app(void *arg)
{
    tr_stream *all tr_cleanup_stream = NULL;
    int rc = tr_stream_new(&all, users, arg, &(tr_stream_options){ .item_bytes = sizeof(int) });

    if (rc < 0)
        return rc;
    TR_FOREACH(int, user, all)
    {
        printf("user %d\n", user);
        if (user == 4)
            break;
    }
    return tr_stream_status(all);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
