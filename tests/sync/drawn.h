/* What tr_dump writes, as text. */
#ifndef TR_TESTS_DRAWN_H
#define TR_TESTS_DRAWN_H

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"

static inline void do_nothing(void *unused)
{
    (void)unused;
}

/* In a task on loop 0: what the loops have sent each other so far is there, and has run until it
 * waits. */
static inline void let_both_run(void)
{
    for (int i = 0; i < 3; i++) {
        let_others_run();
        in_place(OTHER_LOOP, do_nothing, NULL);
    }
    let_others_run();
}

/* Anywhere; the text is the caller's, to be freed. */
static inline char *draw(void)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    EXPECT(out != NULL);
    EXPECT(tr_dump(out) == 0);
    EXPECT(fclose(out) == 0);
    return text;
}

/* How many of its lines are as a pattern of the shell says. */
static inline int count_lines(const char *text, const char *pattern)
{
    char line[1024];
    int count = 0;

    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        (void)snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
        count += fnmatch(pattern, line, 0) == 0;
    }
    return count;
}

/* The text must hold, or not; else it is shown. */
#define EXPECT_OF(text, x)                                                                         \
    ((x) ? (void)0 : ((void)fputs((text), stderr), expect_failed(__FILE__, __LINE__, #x)))

/* As many lines of that pattern are in a fresh picture. */
static inline void expect_drawn(const char *pattern, int wanted)
{
    char *text = draw();

    if (count_lines(text, pattern) != wanted)
        (void)fprintf(stderr, "not so often: %s\n", pattern);
    EXPECT_OF(text, count_lines(text, pattern) == wanted);
    free(text);
}

#endif
