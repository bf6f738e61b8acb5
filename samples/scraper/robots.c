/* See robots.h. */
#include "robots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <troupe/core.h>

#include "address.h"

static int add_rule(struct robots *r, const char *pattern, bool allows)
{
    struct robots_rule *larger;
    char *copy;

    if (*pattern != '/' && *pattern != '*')
        return 0; /* "Disallow:" alone forbids nothing */
    larger = reallocarray(r->rules, r->count + 1, sizeof(*larger));
    if (larger == NULL)
        return TR_ENOMEM;
    r->rules = larger;
    copy = strdup(pattern);
    if (copy == NULL)
        return TR_ENOMEM;
    address_settle(copy);
    r->rules[r->count++] = (struct robots_rule){ copy, allows };
    return 0;
}

/* A group begins with the agents that it is for, in lines that follow each other. */
struct group {
    const char *agent; /* that we look for */
    bool is_ours;
    bool has_rules; /* a line with an agent begins another one */
    bool was_there;
};

static int read_line(struct robots *r, struct group *g, const char *key, const char *value)
{
    if (strcasecmp(key, "user-agent") == 0) {
        if (g->has_rules)
            g->is_ours = g->has_rules = false;
        if (strcasecmp(value, g->agent) == 0)
            g->is_ours = g->was_there = true;
        return 0;
    }
    g->has_rules |= strcasecmp(key, "sitemap") != 0; /* which belongs to no group */
    if (!g->is_ours)
        return 0;
    if (strcasecmp(key, "allow") == 0 || strcasecmp(key, "disallow") == 0)
        return add_rule(r, value, strcasecmp(key, "allow") == 0);
    if (strcasecmp(key, "crawl-delay") == 0) {
        double delay = strtod(value, NULL);

        r->delay = isfinite(delay) && delay > 0 ? delay : 0;
    }
    return 0;
}

/* "Key: value # comment", in place: the parts, or NULL. */
static char *split_line(char *line, char **value)
{
    char *colon;

    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t");
    colon = strchr(line, ':');
    if (colon == NULL)
        return NULL;
    *colon = '\0';
    line[strcspn(line, " \t")] = '\0';
    *value = colon + 1 + strspn(colon + 1, " \t");
    (*value)[strcspn(*value, " \t")] = '\0';
    return line;
}

/* Whether there was a group for that agent. */
static int read_group(struct robots *r, const char *text, const char *agent)
{
    struct group g = { .agent = agent };
    char *copy = strdup(text), *rest = copy, *line, *key, *value;
    int rc = copy == NULL ? TR_ENOMEM : 0;

    while (rc == 0 && (line = strsep(&rest, "\r\n")) != NULL)
        if ((key = split_line(line, &value)) != NULL)
            rc = read_line(r, &g, key, value);
    free(copy);
    return rc < 0 ? rc : g.was_there;
}

int robots_read(struct robots *r, const char *text, const char *agent)
{
    int rc;

    *r = (struct robots){ 0 };
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* a byte order mark */
    rc = read_group(r, text, agent);
    if (rc == 0)
        rc = read_group(r, text, "*");
    if (rc < 0)
        robots_fini(r);
    return rc < 0 ? rc : 0;
}

void robots_fini(struct robots *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->rules[i].pattern);
    free(r->rules);
    *r = (struct robots){ 0 };
}

/* '*' is any bytes; '$', at the end, the end of the path. A later star takes over from one before,
 * for what that one took need not be looked at again: so it takes at most the product of the two
 * lengths, however many stars there are. */
static bool fits(const char *pattern, const char *path)
{
    const char *star = NULL, *taken = path;

    for (;;) {
        if (*pattern == '\0' || (pattern[0] == '$' && pattern[1] == '\0' && *path == '\0'))
            return true;
        if (*pattern == '*') {
            star = pattern++;
            taken = path;
        } else if (*path != '\0' && *pattern == *path) {
            pattern++;
            path++;
        } else if (star != NULL && *taken != '\0') {
            pattern = star + 1;
            path = ++taken;
        } else {
            return false;
        }
    }
}

bool robots_allow(const struct robots *r, const char *path)
{
    size_t longest = 0;
    bool allows = true;

    for (size_t i = 0; i < r->count; i++) {
        size_t bytes = strlen(r->rules[i].pattern);

        if (bytes < longest || !fits(r->rules[i].pattern, path))
            continue;
        allows = r->rules[i].allows || (bytes == longest && allows);
        longest = bytes;
    }
    return allows;
}
