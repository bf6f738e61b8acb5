/* Computing on all cores: a sum over many items, while the loop serves others.
 *
 *   Prints:  the longest sequence below 10000 has 262 members */
#include <stdio.h>
#include <troupe.h>

static int take_longer(size_t i, void *longest, void *unused) /* on a thread of the pool */
{
    int members = 1;

    (void)unused;
    for (size_t n = i + 1; n != 1; members++)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    if (members > *(int *)longest)
        *(int *)longest = members;
    return 0;
}

static void join(void *longest, const void *other, void *unused)
{
    (void)unused;
    if (*(const int *)other > *(int *)longest)
        *(int *)longest = *(const int *)other;
}

static int app(void *unused)
{
    int longest = 0, limit = 9999;
    int rc = tr_map_reduce(&longest, sizeof(longest), limit, take_longer, join, unused);

    if (rc >= 0)
        printf("the longest sequence below %d has %d members\n", limit + 1, longest);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
