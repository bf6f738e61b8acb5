/* Declared bodies without HTTP: the public functions. */
#include "http/declare.h"

#include "base/seam.h"
#include "http/pattern.h"
#include "http/walk.h"
#include "http/write.h"

struct tr_parsed {
    tr__arena arena; /* what the struct points to */
    tr__problems problems;
};

static bool is_own(int rc)
{
    return rc == 0 || rc == TR_EVALUE || rc == TR_ESYNTAX || rc == TR_ETOOLARGE;
}

int tr_declared_parse_as(tr_parsed **parsed, const tr_declaration *declaration, void *out,
                         const char *json, size_t bytes, const tr_json_limits *limits)
{
    int rc;

    if (parsed == NULL)
        return TR_EINVAL;
    *parsed = NULL;
    if (declaration == NULL || out == NULL || (json == NULL && bytes > 0))
        return TR_EINVAL;
    if (limits != NULL && limits->depth > TR__JSON_DEPTH)
        return TR_EINVAL;
    *parsed = tr__alloc(sizeof(**parsed));
    if (*parsed == NULL)
        return TR_ENOMEM;
    tr__arena_init(&(*parsed)->arena);
    rc = tr__declared_parse(declaration, json == NULL ? "" : json, bytes, limits, &(*parsed)->arena,
                            out, &(*parsed)->problems);
    if (!is_own(rc)) {
        tr_parsed_free(*parsed);
        *parsed = NULL;
    }
    return rc;
}

const tr_problem *tr_parsed_problems(const tr_parsed *parsed, size_t *count)
{
    if (count != NULL)
        *count = parsed == NULL ? 0 : parsed->problems.count;
    return parsed == NULL ? NULL : parsed->problems.list;
}

void tr_parsed_free(tr_parsed *parsed)
{
    if (parsed == NULL)
        return;
    tr__arena_fini(&parsed->arena);
    tr__free(parsed);
}

ssize_t tr_declared_write_as(const tr_declaration *declaration, const void *value, char *buffer,
                             size_t room)
{
    tr__json_out out;
    int rc;

    if (declaration == NULL || value == NULL || (buffer == NULL && room > 0))
        return TR_EINVAL;
    tr__out_init(&out, buffer, room > 0 ? room - 1 : 0);
    rc = tr__declared_write(declaration, value, &out);
    if (room > 0)
        *out.at = '\0';
    return rc < 0 ? rc : (ssize_t)out.bytes;
}

/* Whether its patterns are some. */
static int check_patterns(const tr_declaration *declaration)
{
    for (size_t i = 0; i < declaration->tr__count; i++) {
        const char *pattern = declaration->tr__fields[i].pattern;
        int rc = 0;

        if (pattern != NULL)
            rc = tr__pattern_matches(&declaration->tr__patterns[i], pattern, "", 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int tr__declared_check(const tr_declaration *declaration)
{
    tr__arena arena = { 0 };
    tr__walk walk = { .arena = &arena };
    int rc = tr__walk_add(&walk, declaration);

    for (size_t i = 0; rc == 0 && i < walk.count; i++)
        rc = check_patterns(walk.list[i]);
    tr__arena_fini(&arena);
    return rc;
}
