/* wordcount: the most frequent words of many files, counted by actors on all cores.
 *
 *     main thread              splitters, one a loop            shards, one a loop
 *     reads the files --chunk--> counts a chunk's words --batch--> owns the words that
 *        ^                                                        have hash % shards
 *        |                                                                |
 *        +------------------------- batch_counted ------------------------+
 *
 * There is no lock and no shared table: each word belongs to one shard, and only that one counts
 * it. Text and counted words travel by reference (tr_bytes), a chunk or a batch a message, never
 * a word.
 *
 * Back-pressure: of each chunk every shard gets exactly one batch, so a chunk is done when main has
 * heard of that many. Main reads on only while fewer than CHUNKS_IN_FLIGHT are not done: memory is
 * bounded, however large the input (Go: a channel of that capacity; asyncio: a Semaphore). Main is
 * on no loop, so it may block: on its files, and on its inbox.
 *
 *   Build:   cc -O2 wordcount.c wordcount/[a-z]*.c $(pkg-config --cflags --libs troupe)
 *   Run:     ./a.out [--top N] [--loops N] [--json] [FILE|DIRECTORY]...
 *   Prints:  words and their numbers, as `uniq -c | sort -rn` does, and a line about the run
 *
 * In wordcount/: files.c reads, table.c counts and packs (neither knows of actors), options.c and
 * output.c are what their names say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

#include "wordcount/files.h"
#include "wordcount/options.h"
#include "wordcount/output.h"
#include "wordcount/table.h"

enum { CHUNKS_IN_FLIGHT = 64, STALL_SECONDS = 60 };

/* ---- messages ---- */

TR_MESSAGE_OWNING(chunk, chunk_drop)
{
    tr_bytes *text; /* whole words */
};
TR_MESSAGE_OWNING(batch, batch_drop)
{
    tr_bytes *words; /* packed entries, all of one shard; NULL: none this time */
};
TR_MESSAGE(batch_counted)
{
    int error; /* below 0: an actor could not do its part, and the result would be wrong */
};
TR_MESSAGE(top_wanted)
{
    size_t top;
};
TR_MESSAGE_OWNING(shard_top, shard_top_drop)
{
    uint64_t words;
    uint64_t distinct;
    tr_bytes *top; /* packed entries; NULL: none */
};

void chunk_drop(struct chunk *c)
{
    tr_bytes_unref(c->text);
}

void batch_drop(struct batch *b)
{
    tr_bytes_unref(b->words);
}

void shard_top_drop(struct shard_top *t)
{
    tr_bytes_unref(t->top);
}

/* ---- a shard: owns the words with hash % shards ---- */

typedef struct {
    tr_pid main;
    struct table table; /* the letters of each word are allocated on their own */
    uint64_t words;
} shard;

static int shard_init(tr_self *self, void *state, const void *args)
{
    shard *s = state;

    (void)self;
    s->main = *(const tr_pid *)args;
    return 0;
}

/* Count an entry. If the word is new, the table needs letters that last. */
static int shard_count(shard *s, const struct entry *entry)
{
    struct entry *added;
    char *letters;
    int rc = table_add(&s->table, entry, &added);

    if (rc < 0 || !added)
        return rc;
    letters = malloc(entry->length);
    added->word = letters;
    if (!letters)
        return TR_ENOMEM;
    memcpy(letters, entry->word, entry->length);
    return 0;
}

static int shard_batch(shard *s, const tr_bytes *words)
{
    struct entry entry;
    size_t offset = 0;
    int rc = 0;

    while (rc >= 0 && unpack(&entry, words, &offset)) {
        rc = shard_count(s, &entry);
        s->words += entry.count;
    }
    return rc;
}

/* The used slots, sorted; the caller frees them. NULL: out of memory, or there is none. */
static struct entry *sorted_entries(const struct table *table)
{
    struct entry *sorted = calloc(table->used, sizeof(*sorted)), *entry;
    size_t slot = 0, n = 0;

    while (sorted && (entry = table_next(table, &slot)))
        sorted[n++] = *entry;
    if (n > 0)
        qsort(sorted, n, sizeof(*sorted), compare_entries);
    return sorted;
}

static int shard_send_top(const shard *s, size_t top)
{
    struct entry *sorted = sorted_entries(&s->table);
    struct packed packed = { 0 };
    tr_bytes *bytes = NULL;
    int rc = !sorted && s->table.used > 0 ? TR_ENOMEM : 0;

    for (size_t i = 0; rc >= 0 && i < top && i < s->table.used; i++)
        rc = pack(&packed, &sorted[i]);
    if (rc >= 0)
        rc = packed_take(&bytes, &packed);
    free(packed.data); /* NULL if it was taken */
    free(sorted);
    if (rc < 0)
        return rc;
    return tr_send(s->main, shard_top, .words = s->words, .distinct = s->table.used, .top = bytes);
}

static int shard_receive(tr_self *self, void *state, tr_msg *msg)
{
    shard *s = state;
    const struct batch *b;
    const struct top_wanted *t;
    int rc;

    (void)self;
    if ((b = tr_as(msg, batch))) {
        rc = shard_batch(s, b->words);
        (void)tr_send(s->main, batch_counted, .error = rc); /* unheard, it ends as a stall */
        return rc;
    }
    if ((t = tr_as(msg, top_wanted)))
        return shard_send_top(s, t->top);
    return TR_UNHANDLED;
}

static void shard_stop(tr_self *self, void *state, int reason)
{
    shard *s = state;
    struct entry *entry;
    size_t slot = 0;

    (void)self;
    (void)reason;
    while ((entry = table_next(&s->table, &slot)))
        free((char *)entry->word);
    free(s->table.slots);
}

static const tr_actor_class shard_class = {
    .name = "shard",
    .state_size = sizeof(shard),
    .args_size = sizeof(tr_pid),
    .init = shard_init,
    .receive = shard_receive,
    .stop = shard_stop,
};

/* ---- a splitter: counts the words of one chunk, and sends each shard what is its own ---- */

struct splitter_args {
    tr_pid main;
    const tr_pid *shards; /* main's; never changed once splitters are there */
    size_t shard_count;
};

typedef struct {
    struct splitter_args args;
    struct table table;     /* of one chunk; its words are in letters */
    struct packed *batches; /* for each shard */
    char *letters;          /* the chunk in small letters, 0 where there is no letter */
    size_t letters_size;
} splitter;

static int splitter_init(tr_self *self, void *state, const void *args)
{
    splitter *s = state;

    (void)self;
    s->args = *(const struct splitter_args *)args;
    s->batches = calloc(s->args.shard_count, sizeof(*s->batches));
    return s->batches ? 0 : TR_ENOMEM;
}

static int copy_letters(splitter *s, const char *text, size_t size)
{
    if (size > s->letters_size) {
        char *letters = realloc(s->letters, size);

        if (!letters)
            return TR_ENOMEM;
        s->letters = letters;
        s->letters_size = size;
    }
    for (size_t i = 0; i < size; i++)
        s->letters[i] = is_letter(text[i]) ? (char)(text[i] | 0x20) : 0;
    return 0;
}

static int count_chunk(splitter *s, const tr_bytes *text)
{
    size_t size = tr_bytes_size(text), at = 0;
    int rc = copy_letters(s, tr_bytes_data(text), size);

    table_clear(&s->table);
    while (rc >= 0 && at < size) {
        struct entry entry = { .word = s->letters + at, .count = 1 }, *added;

        while (at + entry.length < size && entry.word[entry.length] != 0)
            entry.length++;
        at += entry.length + 1;
        if (entry.length == 0)
            continue;
        entry.hash = hash_word(entry.word, entry.length);
        rc = table_add(&s->table, &entry, &added);
    }
    return rc;
}

/* Every shard gets one batch, be it empty: main counts on it. The shard is chosen by the upper bits
 * of the hash, for the lower ones choose the slot in its table. */
static int send_batches(splitter *s)
{
    struct entry *entry;
    size_t slot = 0;
    int rc = 0;

    while (rc >= 0 && (entry = table_next(&s->table, &slot)))
        rc = pack(&s->batches[(entry->hash >> 32) % s->args.shard_count], entry);
    for (size_t i = 0; rc >= 0 && i < s->args.shard_count; i++) {
        tr_bytes *words = NULL;

        rc = packed_take(&words, &s->batches[i]);
        if (rc >= 0)
            rc = tr_send(s->args.shards[i], batch, .words = words);
    }
    return rc;
}

static int splitter_receive(tr_self *self, void *state, tr_msg *msg)
{
    splitter *s = state;
    const struct chunk *c = tr_as(msg, chunk);
    int rc;

    (void)self;
    if (!c)
        return TR_UNHANDLED;
    rc = count_chunk(s, c->text);
    if (rc >= 0)
        rc = send_batches(s);
    if (rc < 0)
        (void)tr_send(s->args.main, batch_counted, .error = rc); /* unheard, it ends as a stall */
    return rc;
}

static void splitter_stop(tr_self *self, void *state, int reason)
{
    splitter *s = state;

    (void)self;
    (void)reason;
    for (size_t i = 0; i < s->args.shard_count; i++)
        free(s->batches[i].data);
    free(s->batches);
    free(s->table.slots);
    free(s->letters);
}

static const tr_actor_class splitter_class = {
    .name = "splitter",
    .state_size = sizeof(splitter),
    .args_size = sizeof(struct splitter_args),
    .init = splitter_init,
    .receive = splitter_receive,
    .stop = splitter_stop,
};

/* ---- the main thread ---- */

struct job {
    tr_inbox *inbox;
    size_t loops;
    tr_pid *shards;    /* one a loop */
    tr_pid *splitters; /* one a loop */
    size_t next;       /* the splitter that gets the next chunk */
    size_t awaited;    /* batches that main has not heard of */
    struct files files;
};

/* The one way out on an error that the user has to know of. */
static void check(int rc, const char *what)
{
    if (rc < 0) {
        progress_end();
        fprintf(stderr, "wordcount: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

/* Hear of batches until at most so many are awaited. */
static int await_batches(struct job *job, size_t at_most)
{
    while (job->awaited > at_most) {
        const struct batch_counted *b;
        tr_msg *msg = NULL;
        int rc = tr_inbox_receive(job->inbox, &msg, STALL_SECONDS);

        if (rc < 0)
            return rc;
        b = tr_as(msg, batch_counted);
        if (!b || b->error < 0)
            return b ? b->error : TR_EPROTO;
        job->awaited--;
    }
    return 0;
}

/* files_read gives each chunk to this. It blocks while there are too many on their way. */
static int give_chunk(void *ctx, tr_bytes *text)
{
    struct job *job = ctx;
    int rc = await_batches(job, (CHUNKS_IN_FLIGHT - 1) * job->loops);

    progress_show(job->files.files, job->files.bytes);
    if (rc < 0) {
        tr_bytes_unref(text);
        return rc;
    }
    job->awaited += job->loops;
    job->next = (job->next + 1) % job->loops;
    return tr_send(job->splitters[job->next], chunk, .text = text);
}

static void start_actors(struct job *job)
{
    struct splitter_args args = { .main = tr_inbox_pid(job->inbox), .shard_count = job->loops };

    job->shards = calloc(job->loops, sizeof(*job->shards));
    job->splitters = calloc(job->loops, sizeof(*job->splitters));
    check(job->shards && job->splitters ? 0 : TR_ENOMEM, "starting");
    args.shards = job->shards;
    for (size_t i = 0; i < job->loops; i++) {
        tr_spawn_options here = { .on = TR_LOOP((int)i) };

        check(tr_spawn_with(&job->shards[i], &shard_class, &args.main, &here), "starting a shard");
    }
    for (size_t i = 0; i < job->loops; i++) {
        tr_spawn_options here = { .on = TR_LOOP((int)i) };

        check(tr_spawn_with(&job->splitters[i], &splitter_class, &args, &here),
              "starting a splitter");
    }
}

/* Hear one shard's own top words. They stay in *bytes, which is the caller's. */
static void receive_top(struct job *job, struct summary *s, tr_bytes **bytes)
{
    struct shard_top *t;
    tr_msg *msg = NULL;

    check(tr_inbox_receive(job->inbox, &msg, STALL_SECONDS), "collecting the words");
    t = tr_take(msg, shard_top);
    check(t ? 0 : TR_EPROTO, "collecting the words");
    s->words += t->words;
    s->distinct += t->distinct;
    *bytes = t->top;
}

/* All shards' top words, sorted, in a new array; their letters are in bytes, one for each shard. */
static struct entry *merge_tops(struct job *job, tr_bytes **bytes, size_t *n)
{
    struct entry *merged = NULL, entry;
    size_t capacity = 0;

    *n = 0;
    for (size_t i = 0; i < job->loops; i++) {
        for (size_t offset = 0; unpack(&entry, bytes[i], &offset); merged[(*n)++] = entry) {
            if (*n == capacity) {
                capacity = capacity ? 2 * capacity : 64;
                merged = reallocarray(merged, capacity, sizeof(*merged));
                check(merged ? 0 : TR_ENOMEM, "collecting the words");
            }
        }
    }
    if (*n > 0)
        qsort(merged, *n, sizeof(*merged), compare_entries);
    return merged;
}

/* All is counted: ask the shards, and print. */
static void print_result(struct job *job, const struct options *o, double start)
{
    struct summary s = { .files = job->files.files,
                         .bytes = job->files.bytes,
                         .problems = job->files.problems,
                         .loops = (int)job->loops };
    tr_bytes **bytes = calloc(job->loops, sizeof(tr_bytes *));
    struct entry *words;
    size_t n;

    check(bytes ? 0 : TR_ENOMEM, "collecting the words");
    for (size_t i = 0; i < job->loops; i++)
        check(tr_send(job->shards[i], top_wanted, .top = o->top), "asking a shard");
    for (size_t i = 0; i < job->loops; i++)
        receive_top(job, &s, &bytes[i]);
    words = merge_tops(job, bytes, &n);
    s.seconds = now() - start;
    progress_end();
    check(output_print(o->json, words, n < o->top ? n : o->top, &s), "standard output");
    for (size_t i = 0; i < job->loops; i++)
        tr_bytes_unref(bytes[i]);
    free(bytes);
    free(words);
}

int main(int argc, char **argv)
{
    struct options o;
    struct job job = { .files = { .give = give_chunk, .ctx = &job } };
    double start = now();

    options_read(&o, argc, argv);
    check(tr_start(&(tr_config){ .loops = o.loops }), "starting (fewer --loops need less)");
    check(tr_inbox_new(&job.inbox, 0), "starting");
    job.loops = (size_t)tr_loop_count();
    start_actors(&job);

    for (char *const *path = o.paths; *path; path++)
        check(files_read(&job.files, *path), *path);
    check(await_batches(&job, 0), "counting");
    print_result(&job, &o, start);

    tr_inbox_free(job.inbox);
    check(tr_shutdown(0), "stopping");
    free(job.shards);
    free(job.splitters);
    return job.files.problems == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
