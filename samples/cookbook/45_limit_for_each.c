/* A limit for each client: and one for all of them.
 *
 *   Prints:  Ann: 1 is served
 *            Ann: 2 is served
 *            Ann: 3 is to come again
 *            Bob: a large one is served
 *            Eve: two are served, and all is well
 *            Ann does not wait so long
 *            3 clients are known */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

static int serve(tr_keyed_limiter *each, tr_limiter *all, const char *client, int number)
{
    double wait; /* for Retry-After, say */
    int rc = tr_limiter_try_acquire(all, 1, &wait);

    if (rc == 0)
        rc = tr_keyed_limiter_try_acquire(each, client, &wait);
    if (rc < 0 && rc != TR_EBUSY)
        return rc;
    return printf("%s: %d is %s\n", client, number, rc == 0 ? "served" : "to come again");
}

static int serve_all(tr_keyed_limiter *each)
{
    tr_limiter all = TR_LIMITER_INIT(1000, 100); /* a second; at once */
    int rc = 0;

    for (int i = 1; rc >= 0 && i <= 3; i++)
        rc = serve(each, &all, "Ann", i);
    if (rc < 0 || (rc = tr_limiter_acquire_for(&all, 5)) < 0) /* until there is one; 5 s at most */
        return rc;
    rc = tr_keyed_limiter_acquire_many(each, "Bob", strlen("Bob"), 2, TR_FOREVER);
    if (rc < 0)
        return rc;
    printf("Bob: a large one is served\n");
    if ((rc = tr_keyed_limiter_acquire(each, "Eve")) < 0 ||
        (rc = tr_keyed_limiter_try_acquire_many(each, "Eve", strlen("Eve"), 1, NULL)) < 0)
        return rc;
    if (tr_limiter_tokens(&all) > 0)
        printf("Eve: two are served, and all is well\n");
    rc = tr_keyed_limiter_acquire_for(each, "Ann", 0.001);
    if (rc != TR_ETIMEDOUT)
        return rc;
    printf("Ann does not wait so long\n");
    return printf("%zu clients are known\n", tr_keyed_limiter_keys(each));
}

static int app(void *arg)
{
    tr_keyed_limiter *each; /* a token in 10 s, 2 at once; of 10,000 clients at a time */
    int rc = tr_keyed_limiter_new(&each, 0.1, 2, 10000);

    (void)arg;
    if (rc < 0)
        return rc;
    rc = serve_all(each);
    (void)tr_keyed_limiter_free(each);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
