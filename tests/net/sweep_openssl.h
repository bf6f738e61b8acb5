/* Sweeps in which OpenSSL's own memory fails, too: each of its allocations asks whether it is the
 * one.
 *
 * What it keeps as long as the process (algorithms that were looked up) it may fetch at any time:
 * so its blocks are counted here, over many runs. */
#ifndef TR_TESTS_SWEEP_OPENSSL_H
#define TR_TESTS_SWEEP_OPENSSL_H

#include <openssl/crypto.h>

#include "base/seam.h"
#include "support/sweep.h"

static int64_t live;   /* blocks */
static bool is_spared; /* what fails is all else: it can be tried call by call */

static void *give(size_t bytes, const char *file, int line)
{
    void *block;

    (void)file;
    (void)line;
    if (!is_spared && tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    block = malloc(bytes);
    live += block != NULL;
    return block;
}

static void *give_again(void *block, size_t bytes, const char *file, int line)
{
    void *larger;

    (void)file;
    (void)line;
    if (!is_spared && tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    larger = realloc(block, bytes);
    live += block == NULL && larger != NULL;
    return larger;
}

static void take(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    live -= block != NULL;
    free(block);
}

static inline void run_once(void (*fn)(void *unused))
{
    sweep_now.n = 0;
    ck_assert_int_eq(tr_sim_run(fn, NULL, &(tr_sim_options){ .seed = 1 }, NULL), 0);
}

/* OpenSSL has what it keeps after the first runs; a leak of some of thousands would show. */
static inline void sweep_with_openssl(void (*fn)(void *unused))
{
    enum { KEPT = 20 };
    int64_t before;

    run_once(fn);
    run_once(fn);
    before = live;
    sweep(fn);
    run_once(fn);
    if (live > before + KEPT)
        (void)fprintf(stderr, "%d blocks of OpenSSL's, then %d\n", (int)before, (int)live);
    MUST(live <= before + KEPT);
}

#define TLS_SWEEPS(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
                                                                                                   \
        if (CRYPTO_set_mem_functions(give, give_again, take) != 1)                                 \
            return EXIT_FAILURE;                                                                   \
        return run_suite(name, 0, tests, (int)(sizeof(tests) / sizeof(tests[0])));                 \
    }

#endif
