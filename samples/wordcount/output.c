/* See output.h. A word has letters only: nothing in the JSON needs escaping. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define WIPE "\r\033[K"

static atomic_bool progress_shown; /* threads complain while another one shows the progress */

static double read_clock(clockid_t clock)
{
    struct timespec t = { 0 };

    (void)clock_gettime(clock, &t); /* can't fail for these clocks */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double cpu_now(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static double megabytes_per_second(uint64_t bytes, double seconds)
{
    return seconds > 0 ? (double)bytes * 1e-6 / seconds : 0;
}

void progress_show(struct progress progress, double seconds)
{
    atomic_store(&progress_shown, true);
    fprintf(stderr, WIPE "%" PRIu64 " files, %.1f MB, %.1f MB/s ", progress.files,
            (double)progress.bytes * 1e-6, megabytes_per_second(progress.bytes, seconds));
}

void progress_end(void)
{
    if (atomic_exchange(&progress_shown, false))
        fputs(WIPE, stderr);
}

void complain(const char *format, ...)
{
    char text[4096 + 256]; /* a path and a sentence */
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* a longer one is cut */
    va_end(args);
    fprintf(stderr, "%swordcount: %s\n", atomic_load(&progress_shown) ? WIPE : "", text);
}

static void print_word(const struct entry *word)
{
    char buffer[SHORT_WORD];
    size_t length;
    const char *letters = entry_letters(word, buffer, &length);

    fwrite(letters, 1, length, stdout);
}

static void print_text(const struct entry *words, size_t n, const struct summary *s)
{
    for (size_t i = 0; i < n; i++) {
        printf("%7" PRIu64 " ", words[i].count);
        print_word(&words[i]);
        putchar('\n');
    }
    printf("%s%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " words, %" PRIu64 " distinct, "
           "%.3f s, %.1f MB/s, %d loops; CPU: reading %.3f s, splitting %.3f s, counting %.3f s; "
           "waiting %.3f s\n",
           s->partial ? "partial, interrupted: " : "", s->read.files, s->read.bytes, s->words,
           s->distinct, s->seconds, megabytes_per_second(s->read.bytes, s->seconds), s->loops,
           s->stages.reading, s->stages.splitting, s->stages.counting, s->stages.waiting);
}

static void print_json(const struct entry *words, size_t n, const struct summary *s)
{
    printf("{\"partial\":%s,\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"words\":%" PRIu64
           ",\"distinct\":%" PRIu64 ",\"problems\":%" PRIu64
           ",\"seconds\":%.6f,\"mb_per_s\":%.3f,\"loops\":%d"
           ",\"reading_s\":%.6f,\"splitting_s\":%.6f,\"counting_s\":%.6f,\"waiting_s\":%.6f"
           ",\"top\":[",
           s->partial ? "true" : "false", s->read.files, s->read.bytes, s->words, s->distinct,
           s->read.problems, s->seconds, megabytes_per_second(s->read.bytes, s->seconds), s->loops,
           s->stages.reading, s->stages.splitting, s->stages.counting, s->stages.waiting);
    for (size_t i = 0; i < n; i++) {
        printf("%s{\"word\":\"", i > 0 ? "," : "");
        print_word(&words[i]);
        printf("\",\"count\":%" PRIu64 "}", words[i].count);
    }
    printf("]}\n");
}

int output_print(bool json, const struct entry *words, size_t n, const struct summary *s)
{
    if (json)
        print_json(words, n, s);
    else
        print_text(words, n, s);
    if (fflush(stdout) != 0)
        return -errno;
    return ferror(stdout) ? -EIO : 0;
}
