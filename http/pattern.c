/* Regular expressions of declared texts.
 *
 * The cache goes from NULL to a compiled pattern once, and stays. Beside the code, each has what a
 * match works with: whoever matches takes it, and puts it back; who finds none makes one. So a
 * match on one loop allocates nothing, and no two share it. */
#include "http/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/atomic.h"
#include "base/seam.h"

/* Steps, and KiB: some milliseconds at the most. */
#define STEPS_MOST  100000
#define MEMORY_MOST 1024

/* As JavaScript has them, which JSON Schema asks for. */
#define OPTIONS                                                                                    \
    (PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |                      \
     PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE)

typedef struct compiled {
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *spare; /* taken and put back by exchange */
} compiled;

/* What patterns have lasts as long as the process. */
static void *allocate(size_t bytes, void *unused)
{
    void *block = tr__alloc(bytes);

    (void)unused;
    if (block != NULL)
        tr__memory_leaves();
    return block;
}

static void release(void *block, void *unused)
{
    (void)unused;
    if (block == NULL)
        return;
    tr__memory_returns();
    tr__free(block);
}

static void free_compiled(compiled *pattern)
{
    pcre2_match_data_free(pattern->spare);
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    release(pattern, NULL);
}

/* Errors: TR_EINVAL; TR_ENOMEM. */
static int compile_in(pcre2_general_context *memory, const char *pattern, compiled *out)
{
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    int error = PCRE2_ERROR_NOMEMORY;
    size_t at;

    if (context == NULL)
        return TR_ENOMEM;
    out->code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, OPTIONS, &error, &at, context);
    pcre2_compile_context_free(context);
    if (out->code == NULL)
        return error == PCRE2_ERROR_HEAP_FAILED ? TR_ENOMEM : TR_EINVAL;
    out->limits = pcre2_match_context_create(memory);
    out->spare = pcre2_match_data_create(1, memory);
    if (out->limits == NULL || out->spare == NULL)
        return TR_ENOMEM;
    (void)pcre2_set_match_limit(out->limits, STEPS_MOST); /* they can't fail */
    (void)pcre2_set_heap_limit(out->limits, MEMORY_MOST);
    return 0;
}

static int compile(const char *pattern, compiled **out)
{
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    int rc = TR_ENOMEM;

    *out = allocate(sizeof(**out), NULL);
    if (*out != NULL)
        **out = (compiled){ NULL, NULL, NULL };
    if (memory != NULL && *out != NULL)
        rc = compile_in(memory, pattern, *out);
    pcre2_general_context_free(memory);
    if (rc == 0)
        return 0;
    if (*out != NULL)
        free_compiled(*out);
    return rc;
}

/* What the cache holds, made if need be. */
static int ready_of(struct tr__pattern_cache *cache, const char *pattern, compiled **out)
{
    int rc;

    /* acquire: what is compiled is visible; pairs with the exchange below. */
    *out = tr__load_acquire_ptr(&cache->tr__ready);
    if (TR__LIKELY(*out != NULL))
        return 0;
    rc = compile(pattern, out);
    if (rc < 0)
        return rc;
    /* ordered: publishes what is compiled; pairs with the acquire above. */
    if (tr__cas_ordered_ptr(&cache->tr__ready, NULL, *out))
        return 0;
    free_compiled(*out); /* another thread was first */
    /* acquire: as above. */
    *out = tr__load_acquire_ptr(&cache->tr__ready);
    return 0;
}

/* Put what a match worked with back; one that another thread has put there meanwhile goes. */
static void give_back(compiled *pattern, pcre2_match_data *data)
{
    /* ordered: publishes data's fields, and takes those of the other one; pairs with itself. */
    pcre2_match_data_free(tr__exchange_ordered_ptr(&pattern->spare, data));
}

int tr__pattern_matches(struct tr__pattern_cache *cache, const char *pattern, const char *text,
                        size_t bytes)
{
    compiled *ready;
    pcre2_match_data *data;
    int rc = ready_of(cache, pattern, &ready);

    if (rc < 0)
        return rc;
    /* ordered: takes data with all that its last user wrote; pairs with give_back. */
    data = tr__exchange_ordered_ptr(&ready->spare, NULL);
    if (data == NULL)
        data = pcre2_match_data_create_from_pattern(ready->code, NULL);
    if (data == NULL)
        return TR_ENOMEM;
    rc = pcre2_match(ready->code, (PCRE2_SPTR)text, bytes, 0, PCRE2_NO_UTF_CHECK, data,
                     ready->limits);
    give_back(ready, data);
    return rc == PCRE2_ERROR_NOMEMORY ? TR_ENOMEM : rc >= 0;
}
