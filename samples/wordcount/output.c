/* See output.h. A word has letters only: nothing in the JSON needs escaping. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_SECONDS 0.1

static double next_progress;

double now(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail for this clock */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_show(uint64_t files, uint64_t bytes)
{
    double time = now();

    if (time < next_progress || !isatty(STDERR_FILENO))
        return;
    next_progress = time + PROGRESS_SECONDS;
    fprintf(stderr, "\r%" PRIu64 " files, %.1f MB ", files, (double)bytes * 1e-6);
}

void progress_end(void)
{
    if (next_progress > 0)
        fprintf(stderr, "\r\033[K");
}

static double megabytes_per_second(const struct summary *s)
{
    return s->seconds > 0 ? (double)s->bytes * 1e-6 / s->seconds : 0;
}

static void print_text(const struct entry *words, size_t n, const struct summary *s)
{
    for (size_t i = 0; i < n; i++) {
        printf("%7" PRIu64 " ", words[i].count);
        fwrite(words[i].word, 1, words[i].length, stdout);
        putchar('\n');
    }
    printf("%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " words, %" PRIu64 " distinct, "
           "%.3f s, %.1f MB/s, %d loops\n",
           s->files, s->bytes, s->words, s->distinct, s->seconds, megabytes_per_second(s),
           s->loops);
}

static void print_json(const struct entry *words, size_t n, const struct summary *s)
{
    printf("{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"words\":%" PRIu64
           ",\"distinct\":%" PRIu64 ",\"problems\":%" PRIu64
           ",\"seconds\":%.6f,\"mb_per_s\":%.3f,\"loops\":%d,\"top\":[",
           s->files, s->bytes, s->words, s->distinct, s->problems, s->seconds,
           megabytes_per_second(s), s->loops);
    for (size_t i = 0; i < n; i++) {
        printf("%s{\"word\":\"", i > 0 ? "," : "");
        fwrite(words[i].word, 1, words[i].length, stdout);
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
