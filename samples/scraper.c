/* scraper: a crawler that is polite, and that accounts for each URL that it finds.
 *
 * On each host it has so many requests under way, and so many a second; it asks robots.txt first,
 * and comes again, later, where a server is busy. Each host has a queue of pages and tasks that
 * take from it; links are read on all cores (TR_POOL_CPU). What came of each URL is a line of JSON.
 * See scraper/crawl.h for a drawing.
 *
 * Ctrl-C cancels it all: the tasks end at their next await, what has not been fetched is told as
 * skipped, and the sums are printed; then tr_main lets the process die by the signal.
 *
 *   Build:   cc -O2 scraper.c scraper/[a-z]*.c $(pkg-config --cflags --libs troupe-net libxml-2.0)
 *   Run:     ./scraper --serve-site 127.0.0.1:8080 &     a site to try it on
 *            ./scraper --rate 0 --timeout 1 http://127.0.0.1:8080/
 *   Prints:  {"url":"http://127.0.0.1:8080/","outcome":"fetched","status":200,...
 *
 * In scraper/: crawl.c knows pages and hosts; visit.c fetches; links.c, robots.c and address.c read
 * HTML, robots.txt and URLs (they know nothing of tasks); report.c and options.c are what their
 * names say; site.c is the site to be crawled. */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <troupe/net.h>

#include "scraper/crawl.h"
#include "scraper/site.h"

enum { LINES_WAITING = 256 };
#define PROGRESS_SECONDS 0.2

struct job {
    struct options options;
    struct crawl crawl;
    tr_scope *around;  /* while it crawls */
    bool is_unwritten; /* standard output has failed */
};

/* ---- standard output, which may block: a job of the IO pool ---- */

struct batch {
    char *lines[LINES_WAITING];
    size_t count;
};

static int print_batch(void *arg)
{
    const struct batch *b = arg;
    int rc = 0;

    for (size_t i = 0; i < b->count; i++)
        if (fputs(b->lines[i], stdout) < 0)
            rc = TR_EIO;
    return fflush(stdout) != 0 ? TR_EIO : rc;
}

/* Not to be cancelled: what is told is printed. It ends when the queue is closed. */
static int write_lines(void *arg)
{
    struct job *job = arg;
    struct batch *b = calloc(1, sizeof(*b));
    tr_queue *lines = job->crawl.lines;
    int rc = b == NULL ? TR_ENOMEM : 0;

    TR_SHIELD(TR_FOREVER) {
        while (rc == 0 && (rc = tr_queue_get(lines, &b->lines[0])) == 0) {
            for (b->count = 1; b->count < LINES_WAITING; b->count++)
                if (tr_queue_try_get(lines, &b->lines[b->count]) < 0)
                    break;
            if (!job->is_unwritten && tr_to_thread(print_batch, b) < 0) {
                complain("standard output can't be written");
                job->is_unwritten = true;
                if (job->around != NULL)
                    tr_scope_cancel(job->around);
            }
            for (size_t i = 0; i < b->count; i++)
                free(b->lines[i]);
        }
    }
    free(b);
    (void)tr_queue_close_now(lines); /* nobody is to wait for one that has gone */
    return rc == TR_EPIPE ? 0 : rc;
}

static int show_progress(void *arg)
{
    const struct job *job = arg;

    report_progress(&job->crawl.sum);
    return 0;
}

static int run_progress(void *arg)
{
    int rc;

    do
        rc = tr_sleep(PROGRESS_SECONDS);
    while (rc == 0 && (rc = tr_to_thread(show_progress, arg)) >= 0);
    report_progress_end();
    return rc;
}

/* ---- the whole ---- */

static double now(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail for this clock */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int crawl(struct job *job)
{
    double start = now();
    int rc = 0, written = 0;

    TR_SCOPE(writer, &written) {
        TR_SCOPE(around, NULL) {
            job->around = around;
            tr_scope_spawn(writer, write_lines, job);
            if (job->options.progress)
                tr_scope_spawn(around, run_progress, job);
            rc = crawl_run(&job->crawl);
            tr_scope_cancel(around); /* the progress would never end by itself */
            job->around = NULL;
        }
        (void)tr_queue_close(job->crawl.lines);
    }
    job->crawl.sum.seconds = now() - start;
    return rc < 0 ? rc : written;
}

static int app(void *arg)
{
    struct job *job = arg;
    struct crawl *c = &job->crawl;
    const tr_http_client_config config = { .user_agent = job->options.agent,
                                           .connections_each = (long)job->options.connections };
    int rc = tr_http_client_new(&c->client, &config);

    if (rc == 0)
        rc = tr_queue_new(&c->lines, sizeof(char *), LINES_WAITING, NULL);
    c->options = &job->options;
    if (rc == 0) {
        rc = crawl(job);
        report_summary(&c->sum, job->options.json);
    }
    crawl_fini(c);
    (void)tr_queue_free(c->lines);
    tr_http_client_unref(c->client);
    return job->is_unwritten ? 0 : rc;
}

int main(int argc, char **argv)
{
    struct job job = { 0 };
    int status;

    options_read(&job.options, argc, argv);
    if (job.options.site != NULL)
        return tr_main(argc, argv, site_serve, &job.options, NULL);
    xmlInitParser(); /* before there are threads that use it */
    status = tr_main(argc, argv, app, &job, &(tr_config){ .loops = 1 });
    xmlCleanupParser();
    if (status == EXIT_SUCCESS && (job.is_unwritten || job.crawl.first_failed))
        status = EXIT_FAILURE;
    return status;
}
