/* prime_gaps: computing on all cores, with progress, that can be cancelled.
 *
 * How many primes are there below a number, and what is the largest gap between two of them? Each
 * item is a block of numbers; tr_map_reduce hands blocks out to the threads of TR_POOL_CPU, one a
 * core, and puts what they have found together, in the order of the blocks (Go: goroutines and a
 * channel; Python: ProcessPoolExecutor.map; OpenMP: parallel for with a reduction). A gap may cross
 * from one block to the next: so what is found in some blocks is their first prime and their last,
 * how many there are, and the widest gap. Such findings can be joined with those behind them, which
 * is all that reduce has to be good for. The result is the same on however many threads.
 *
 * The calling task awaits the end, so its loop stays live; it hears of progress ten times a second.
 * Ctrl-C cancels it: no more blocks are begun, and it returns when those that have are done.
 *
 *   Build:   cc -O2 prime_gaps.c $(pkg-config --cflags --libs troupe)
 *   Run:     ./a.out [LIMIT]
 *   Prints:  664579 primes below 10000000; the widest gap is 154, from 4652353 to 4652507 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

enum { BLOCK = 1 << 16 };

/* What is known of the primes of some blocks, one behind the other. Zeros: there were none. */
struct findings {
    uint64_t count;
    uint64_t first, last;
    uint64_t gap, gap_begin;
};

static void note_gap(struct findings *f, uint64_t from, uint64_t to)
{
    if (to - from > f->gap) {
        f->gap = to - from;
        f->gap_begin = from;
    }
}

static void add_prime(struct findings *f, uint64_t prime)
{
    if (f->count++ == 0)
        f->first = prime;
    else
        note_gap(f, f->last, prime);
    f->last = prime;
}

/* The sieve of Eratosthenes, for the numbers of one block. */
static void sieve(unsigned char *composite, uint64_t begin, uint64_t end)
{
    for (uint64_t d = 2; d * d < end; d++) {
        uint64_t multiple = (begin + d - 1) / d * d;

        for (multiple = multiple > d * d ? multiple : d * d; multiple < end; multiple += d)
            composite[multiple - begin] = 1;
    }
}

/* On a thread of the pool, as are all others at the same time: but `gathered` is its own. */
static int search_block(size_t i, void *gathered, void *arg)
{
    unsigned char composite[BLOCK] = { 0 };
    uint64_t limit = *(const uint64_t *)arg;
    uint64_t begin = (uint64_t)i * BLOCK;
    uint64_t end = begin + BLOCK < limit ? begin + BLOCK : limit;

    sieve(composite, begin, end);
    for (uint64_t n = begin > 2 ? begin : 2; n < end; n++)
        if (!composite[n - begin])
            add_prime(gathered, n);
    return 0;
}

/* What was found in the blocks behind. */
static void join(void *gathered, const void *other, void *arg)
{
    struct findings *f = gathered;
    const struct findings *more = other;

    (void)arg;
    if (more->count == 0)
        return;
    if (f->count == 0) {
        *f = *more;
        return;
    }
    note_gap(f, f->last, more->first);
    note_gap(f, more->gap_begin, more->gap_begin + more->gap);
    f->count += more->count;
    f->last = more->last;
}

/* In the calling task, now and then. */
static int show_progress(size_t done, size_t n, void *arg)
{
    (void)arg;
    fprintf(stderr, "\r%3zu %%", done * 100 / n);
    return 0; /* below 0 would end it */
}

static int app(void *arg)
{
    const tr_parallel_options options = { .progress = show_progress };
    const char *text = arg;
    uint64_t limit = text ? strtoull(text, NULL, 10) : 10000000;
    struct findings all = { 0 };
    int rc = tr_map_reduce_with(&all, sizeof(all), (size_t)((limit + BLOCK - 1) / BLOCK),
                                search_block, join, &limit, &options);

    fprintf(stderr, "\r     \r");
    if (rc < 0)
        return rc;
    printf("%llu primes below %llu; the widest gap is %llu, from %llu to %llu\n",
           (unsigned long long)all.count, (unsigned long long)limit, (unsigned long long)all.gap,
           (unsigned long long)all.gap_begin, (unsigned long long)(all.gap_begin + all.gap));
    return 0;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, argv[1], NULL);
}
