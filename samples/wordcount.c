/* wordcount: the most frequent words of many files, counted on all cores.
 *
 *    app, a task                       TR_POOL_IO         TR_POOL_CPU         shards: actors,
 *      |                               its threads        its threads         one on each loop
 *      +- lanes: tasks, one a loop         .                  .                      .
 *      |    again and again                .                  .                      .
 *      |    tr_to_thread -------------> reads a piece         .                      .
 *      |    at the same time               .                  .                      .
 *      |    tr_pool_run ----------------------------> splits the one before          .
 *      |                                   .          into a table of words          .
 *      |    when the table is large, and at the end           .                      .
 *      |    tr_ask, with a batch -----------------------------------------> counts the words
 *      |                        <-----------------------------------------  that are its own
 *      |
 *      +- progress: a task that wakes up now and then
 *      |
 *      +- at last asks each shard for its most frequent words, and prints them
 *
 * There is no lock in here. Lanes are children of one task, so they never run at the same time; a
 * job of a pool works for one lane, which waits for it; and each word belongs to one shard, chosen
 * by its hash. Batches travel by reference (tr_bytes).
 *
 * Back-pressure: there are so many lanes, and each has two pieces (Go: so many goroutines; asyncio:
 * a Semaphore). So memory is bounded, however large the input.
 *
 * Ctrl-C cancels app, and thus its children: the awaits of a lane fail, and it ends with what it
 * has. What was read is counted nevertheless (TR_SHIELD: nothing cancels in there), and printed as
 * a partial result; then tr_main lets the process die by the signal, as its parent expects.
 *
 *   Build:   cc -O2 wordcount.c wordcount/[a-z]*.c $(pkg-config --cflags --libs troupe)
 *   Run:     ./a.out [--top N] [--loops N] [--json] [FILE|DIRECTORY]...
 *   Prints:  words and their numbers, as `uniq -c | sort -rn` does, and a line about the run
 *
 * In wordcount/: shard.c is the actor; files.c reads, scan.c splits, table.c counts and packs (they
 * know nothing of tasks and actors); options.c and output.c are what their names say. */
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

#include "wordcount/files.h"
#include "wordcount/options.h"
#include "wordcount/output.h"
#include "wordcount/scan.h"
#include "wordcount/shard.h"
#include "wordcount/table.h"

enum { LARGE_TABLE = 128 * 1024 }; /* words in a lane's table */
#define PROGRESS_SECONDS 0.1

/* ---- what all tasks share: they run on one loop ---- */

struct job {
    struct options options;
    struct source *source;
    double start;
    tr_pid *shards;
    size_t shard_count; /* one for each loop */
    struct summary summary;
    struct table result; /* the shards' most frequent words */
};

/* ---- a lane: reads and splits, piece by piece ---- */

struct lane {
    struct job *job;
    size_t number;
    struct piece next; /* is being read, while */
    struct piece now;  /* is being split into */
    struct table table;
    struct batch_writer *writers; /* one for each shard */
    struct stages stages;
};

/* Jobs of the pools: plain functions that may block, or compute for long. The lane that has them
 * done waits meanwhile, so they may use all that is its own. */
static int read_piece(void *arg)
{
    struct lane *lane = arg;
    double start = cpu_now();
    int rc = source_read(lane->job->source, &lane->next);

    lane->stages.reading += cpu_now() - start;
    return rc;
}

static int split_piece(void *arg)
{
    struct lane *lane = arg;
    double start = cpu_now();
    int rc = scan_words(&lane->table, lane->now.text, lane->now.size);

    lane->stages.splitting += cpu_now() - start;
    return rc;
}

static int pack_words(void *arg)
{
    struct lane *lane = arg;
    double start = cpu_now();
    int rc = table_write(&lane->table, lane->writers, lane->job->shard_count);

    table_clear(&lane->table);
    lane->stages.counting += cpu_now() - start;
    return rc;
}

/* Give a shard what is its own, and await that it has counted it. */
static int send_batch(struct lane *lane, size_t shard)
{
    tr_bytes *words = NULL;
    int rc = batch_take(&words, &lane->writers[shard]);

    if (rc >= 0 && words)
        rc = tr_ask(NULL, lane->job->shards[shard], TR_FOREVER, batch, .words = words);
    tr_bytes_unref(words);
    return rc;
}

/* Send the words of a lane to the shards, and empty its table. Each lane begins with another shard,
 * so that they do not all wait for the same one. Not to be cancelled: a shard that has been asked
 * reads from the batch until it answers. */
static int send_words(struct lane *lane)
{
    struct job *job = lane->job;
    int rc = tr_pool_run(TR_POOL_CPU, pack_words, lane);

    for (size_t i = 0; rc >= 0 && i < job->shard_count; i++)
        rc = send_batch(lane, (lane->number + i) % job->shard_count);
    return rc;
}

struct read_ahead_args {
    struct lane *lane;
    int *more;
};

static int read_ahead(void *arg)
{
    const struct read_ahead_args *a = arg;

    *a->more = tr_to_thread(read_piece, a->lane);
    return *a->more;
}

/* Split the piece that was read, and read another one meanwhile. 1: there is one; 0: no more. What
 * was read is counted, come what may. */
static int take_turn(struct lane *lane)
{
    struct piece piece = lane->next;
    int more = TR_ECANCELED, rc = 0;

    lane->next = lane->now;
    lane->now = piece;
    TR_SCOPE(turn, NULL) {
        tr_go(turn, read_ahead, .lane = lane, .more = &more);
        TR_SHIELD(TR_FOREVER) {
            rc = tr_pool_run(TR_POOL_CPU, split_piece, lane);
            if (rc >= 0 && lane->table.used >= LARGE_TABLE)
                rc = send_words(lane);
        }
    }
    return rc < 0 ? rc : more;
}

static void leave_lane(struct lane *lane, double seconds)
{
    struct stages *sum = &lane->job->summary.stages, *mine = &lane->stages;

    sum->reading += mine->reading;
    sum->splitting += mine->splitting;
    sum->counting += mine->counting;
    sum->waiting += seconds - mine->splitting - mine->counting; /* reading goes on meanwhile */
    for (size_t i = 0; lane->writers && i < lane->job->shard_count; i++)
        free(lane->writers[i].data);
    free(lane->writers);
    free(lane->now.text);
    free(lane->next.text);
    table_fini(&lane->table);
}

struct run_lane_args {
    struct job *job;
    size_t number;
};

static int run_lane(void *arg)
{
    const struct run_lane_args *a = arg;
    struct lane lane = { .job = a->job, .number = a->number };
    double start = now();
    int rc = table_init(&lane.table, 0), sent = 0;

    lane.writers = calloc(a->job->shard_count, sizeof(*lane.writers));
    if (!lane.writers)
        rc = TR_ENOMEM;
    if (rc >= 0)
        rc = tr_to_thread(read_piece, &lane);
    while (rc > 0)
        rc = take_turn(&lane);
    if (lane.writers) {
        TR_SHIELD(TR_FOREVER) {
            sent = send_words(&lane);
        }
    }
    leave_lane(&lane, now() - start);
    return rc < 0 ? rc : sent;
}

/* ---- the progress ---- */

struct run_progress_args {
    struct job *job;
};

static int show_progress(void *arg)
{
    const struct job *job = arg;

    progress_show(source_progress(job->source), now() - job->start);
    return 0;
}

/* Until it is cancelled. A terminal may block: hence on a thread of the pool. */
static int run_progress(void *arg)
{
    struct job *job = ((const struct run_progress_args *)arg)->job;
    int rc;

    do
        rc = tr_sleep(PROGRESS_SECONDS);
    while (rc >= 0 && (rc = tr_to_thread(show_progress, job)) >= 0);
    progress_end();
    return rc;
}

/* ---- the whole ---- */

/* A shard on each loop. */
static int start_shards(struct job *job)
{
    int rc = 0;

    job->shard_count = (size_t)tr_loop_count();
    job->shards = calloc(job->shard_count, sizeof(*job->shards));
    if (!job->shards)
        return TR_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < job->shard_count; i++)
        rc = tr_spawn_with(&job->shards[i], &shard_class, NULL,
                           &(tr_spawn_options){ .on = TR_LOOP((int)i) });
    return rc;
}

static int count_all(struct job *job)
{
    int rc = 0;

    TR_SCOPE(around, NULL) {
        if (job->options.progress)
            tr_go(around, run_progress, .job = job);
        TR_SCOPE(lanes, &rc) {
            for (size_t i = 0; i < job->shard_count; i++)
                tr_go(lanes, run_lane, .job = job, .number = i);
        }
        tr_scope_cancel(around); /* the progress would never end by itself */
    }
    return rc;
}

/* The shard's most frequent words, into the result. */
static int ask_shard(struct job *job, tr_pid pid)
{
    struct shard_top t;
    struct entry entry;
    size_t offset = 0;
    int rc = tr_ask(&t, pid, TR_FOREVER, top_wanted, .top = job->options.top);

    job->summary.words += t.words; /* all of it is 0 if that failed */
    job->summary.distinct += t.distinct;
    job->summary.stages.counting += t.counting;
    while (rc >= 0 && batch_read(&entry, t.top, &offset))
        rc = table_add(&job->result, &entry);
    tr_bytes_unref(t.top);
    return rc;
}

/* A job, too: standard output may block. */
static int print_result(void *arg)
{
    struct job *job = arg;
    struct summary *s = &job->summary;
    struct entry *words;
    size_t n, top = job->options.top;
    int rc = table_top(&job->result, top, &words, &n);

    if (rc < 0)
        return rc;
    s->read = source_progress(job->source);
    s->loops = (int)job->shard_count;
    s->seconds = now() - job->start;
    rc = output_print(job->options.json, words, n < top ? n : top, s);
    if (rc < 0) {
        complain("standard output: %s", tr_strerror(rc));
        s->read.problems++;
    }
    free(words);
    return 0;
}

static int gather(struct job *job)
{
    int rc = table_init(&job->result, 0);

    for (size_t i = 0; rc >= 0 && i < job->shard_count; i++)
        rc = ask_shard(job, job->shards[i]);
    if (rc >= 0)
        rc = tr_to_thread(print_result, job);
    table_fini(&job->result);
    return rc;
}

static int app(void *arg)
{
    struct job *job = arg;
    int rc = start_shards(job), gathered = 0;

    if (rc >= 0)
        rc = count_all(job);
    job->summary.partial = rc == TR_ECANCELED;
    if (rc >= 0 || job->summary.partial) {
        TR_SHIELD(TR_FOREVER) {
            gathered = gather(job);
        }
    }
    free(job->shards);
    return rc < 0 ? rc : gathered;
}

int main(int argc, char **argv)
{
    struct job job = { .start = now() };
    int status;

    options_read(&job.options, argc, argv);
    if (source_new(&job.source, job.options.paths) < 0) {
        complain("%s", tr_strerror(TR_ENOMEM));
        return EXIT_FAILURE;
    }
    status = tr_main(argc, argv, app, &job, &(tr_config){ .loops = job.options.loops });
    source_free(job.source);
    return status == EXIT_SUCCESS && job.summary.read.problems > 0 ? EXIT_FAILURE : status;
}
