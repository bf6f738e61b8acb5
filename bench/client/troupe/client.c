/* troupe's side of ./dev bench --client: so many tasks of one loop, each of which fetches the same
 * page again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <troupe/net.h>

struct load {
    const char *url;
    long in_flight;
    long left;
    long right;
    long wrong;
};

static const char expected[] = "Hello, World!";

struct fetch_args {
    struct load *load;
};

static int fetch(void *arg)
{
    struct load *load = ((struct fetch_args *)arg)->load;

    while (load->left > 0) {
        tr_http_reply *reply tr_cleanup_reply = NULL;
        int rc;

        load->left--;
        rc = tr_http_get(&reply, load->url);
        if (rc == 0 && tr_http_reply_status(reply) == 200 &&
            strcmp(tr_http_reply_text(reply), expected) == 0)
            load->right++;
        else if (load->wrong++ == 0)
            fprintf(stderr, "the first that went wrong: %s\n", tr_strerror(rc));
    }
    return 0;
}

static int fetch_all(struct load *load, long requests)
{
    int rc;

    load->left = requests;
    load->right = load->wrong = 0;
    TR_SCOPE(s, &rc) {
        for (long i = 0; i < load->in_flight; i++)
            tr_go(s, fetch, .load = load);
    }
    return rc;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run(void *arg)
{
    char **argv = arg;
    struct load load = { .url = argv[1], .in_flight = strtol(argv[3], NULL, 10) };
    long requests = strtol(argv[2], NULL, 10);
    struct rusage before;
    struct rusage after;
    int rc = fetch_all(&load, load.in_flight * 10); /* connections are there then */

    if (rc < 0)
        return rc;
    (void)getrusage(RUSAGE_SELF, &before);
    rc = fetch_all(&load, requests);
    (void)getrusage(RUSAGE_SELF, &after);
    printf("requests %ld errors %ld client_user %.6f client_sys %.6f\n", load.right, load.wrong,
           seconds_of(after.ru_utime) - seconds_of(before.ru_utime),
           seconds_of(after.ru_stime) - seconds_of(before.ru_stime));
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s URL REQUESTS IN_FLIGHT\n", argv[0]);
        return 2;
    }
    return tr_main(argc, argv, run, argv, &(tr_config){ .loops = 1 });
}
