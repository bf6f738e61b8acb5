/* The tree of routes. */
#include "http/router.h"

#include <string.h>
#include <troupe/core.h>

#include "base/seam.h"
#include "http/percent.h"

struct tr__router_node {
    char *text; /* of a literal segment; NULL */
    size_t text_bytes;
    tr__router_node **literals; /* sorted by their text */
    size_t literal_count, literal_capacity;
    tr__router_node *any;
    tr__router_node *rest;
    tr__destination *destinations;
};

/* ---- the tree ---- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a pattern has segments, TR__SEGMENTS_MOST */
static void free_node(tr__router_node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->literal_count; i++)
        free_node(node->literals[i]);
    free_node(node->any);
    free_node(node->rest);
    for (tr__destination *d = node->destinations; d != NULL; d = d->next)
        for (uint32_t i = 0; i < d->param_count; i++)
            tr__free((void *)(uintptr_t)d->params[i]);
    tr__free(node->literals);
    tr__free(node->text);
    tr__free(node);
}

void tr__router_fini(tr__router *router)
{
    free_node(router->root);
    router->root = NULL;
}

static int compare(tr__slice a, const tr__router_node *node)
{
    size_t least = a.bytes < node->text_bytes ? a.bytes : node->text_bytes;
    int order = memcmp(a.at, node->text, least);

    if (order != 0)
        return order;
    return a.bytes < node->text_bytes ? -1 : a.bytes > node->text_bytes;
}

/* Where a literal stands, or would. */
static size_t place_of(const tr__router_node *node, tr__slice text, bool *is_there)
{
    size_t low = 0;
    size_t high = node->literal_count;

    *is_there = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(text, node->literals[middle]);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static tr__router_node *new_literal(tr__slice text)
{
    tr__router_node *node = tr__alloc_zeroed(sizeof(*node));
    char *copy = tr__alloc(text.bytes + 1);

    if (node == NULL || copy == NULL) {
        tr__free(node);
        tr__free(copy);
        return NULL;
    }
    memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = 0;
    node->text = copy;
    node->text_bytes = text.bytes;
    return node;
}

static bool make_place(tr__router_node *node)
{
    size_t capacity = node->literal_capacity == 0 ? 4 : node->literal_capacity * 2;
    tr__router_node **larger;

    if (node->literal_count < node->literal_capacity)
        return true;
    larger = tr__alloc(capacity * sizeof(tr__router_node *));
    if (larger == NULL)
        return false;
    if (node->literal_count > 0)
        memcpy(larger, node->literals, node->literal_count * sizeof(tr__router_node *));
    tr__free(node->literals);
    node->literals = larger;
    node->literal_capacity = capacity;
    return true;
}

static tr__router_node *literal_child(tr__router_node *node, tr__slice text)
{
    bool is_there;
    size_t place = place_of(node, text, &is_there);
    tr__router_node *child;

    if (is_there)
        return node->literals[place];
    child = make_place(node) ? new_literal(text) : NULL;
    if (child == NULL)
        return NULL;
    memmove(node->literals + place + 1, node->literals + place,
            (node->literal_count - place) * sizeof(tr__router_node *));
    node->literals[place] = child;
    node->literal_count++;
    return child;
}

static tr__router_node *special_child(tr__router_node **place)
{
    if (*place == NULL)
        *place = tr__alloc_zeroed(sizeof(**place));
    return *place;
}

/* ---- adding ---- */

static bool is_name(tr__slice text)
{
    if (text.bytes == 0)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return true;
}

/* Literals stand in patterns as they are, not encoded: printable, and no path's special ones. */
static bool is_literal(tr__slice text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == '%' || text.at[i] == '?' ||
            text.at[i] == '#' || text.at[i] == ':' || text.at[i] == '*' || text.at[i] == 127)
            return false;
    return !(text.bytes == 1 && text.at[0] == '.') &&
           !(text.bytes == 2 && text.at[0] == '.' && text.at[1] == '.');
}

static int note_param(tr__destination *destination, tr__slice name)
{
    char *copy;

    if (!is_name(name) || destination->param_count == TR__PARAMS_MOST)
        return TR_EINVAL;
    for (uint32_t i = 0; i < destination->param_count; i++)
        if (tr__slice_is(name, destination->params[i]))
            return TR_EINVAL;
    copy = tr__alloc(name.bytes + 1);
    if (copy == NULL)
        return TR_ENOMEM;
    memcpy(copy, name.at, name.bytes);
    copy[name.bytes] = 0;
    destination->params[destination->param_count++] = copy;
    return 0;
}

/* The child for one segment of a pattern. */
static int descend(tr__router_node **node, tr__slice segment, bool is_last,
                   tr__destination *destination)
{
    char first = segment.bytes > 0 ? segment.at[0] : 0;
    tr__router_node *child;
    int rc = 0;

    if (first == ':' || first == '*')
        rc = note_param(destination, (tr__slice){ segment.at + 1, segment.bytes - 1 });
    if (rc < 0)
        return rc;
    if ((first == '*' && !is_last) || (first != ':' && first != '*' && !is_literal(segment)))
        return TR_EINVAL;
    if (first == ':')
        child = special_child(&(*node)->any);
    else if (first == '*')
        child = special_child(&(*node)->rest);
    else
        child = literal_child(*node, segment);
    if (child == NULL)
        return TR_ENOMEM;
    *node = child;
    return 0;
}

static int descend_all(tr__router_node **node, const char *pattern, tr__destination *destination)
{
    const char *at = pattern;
    int rc = *at == '/' ? 0 : TR_EINVAL;

    for (int depth = 0; rc == 0 && *at == '/'; depth++) {
        const char *end = strchrnul(++at, '/');

        if (depth == TR__SEGMENTS_MOST)
            return TR_EINVAL;
        rc = descend(node, (tr__slice){ at, (size_t)(end - at) }, *end == 0, destination);
        at = end;
    }
    return rc;
}

static void forget_params(tr__destination *destination)
{
    while (destination->param_count > 0)
        tr__free((void *)(uintptr_t)destination->params[--destination->param_count]);
}

int tr__router_add(tr__router *router, const char *pattern, uint32_t method,
                   tr__destination *destination)
{
    tr__router_node *node = special_child(&router->root);
    tr__destination **last;
    int rc = node != NULL ? 0 : TR_ENOMEM;

    destination->next = NULL;
    destination->method = method;
    destination->param_count = 0;
    if (rc == 0)
        rc = descend_all(&node, pattern, destination);
    if (rc < 0) {
        forget_params(destination);
        return rc;
    }
    for (last = &node->destinations; *last != NULL; last = &(*last)->next)
        if ((*last)->method == method) {
            forget_params(destination);
            return TR_EALREADY;
        }
    *last = destination;
    return 0;
}

/* ---- finding ---- */

typedef struct search {
    tr__slice segments[TR__SEGMENTS_MOST]; /* not decoded */
    size_t count;
    tr__match *match;
} search;

/* false: too many. */
static bool split(tr__slice path, search *s)
{
    const char *at = path.at;
    const char *end = path.at + path.bytes;

    s->count = 0;
    while (at < end) {
        const char *next = memchr(at + 1, '/', (size_t)(end - at - 1));

        if (s->count == TR__SEGMENTS_MOST)
            return false;
        if (next == NULL)
            next = end;
        s->segments[s->count++] = (tr__slice){ at + 1, (size_t)(next - at - 1) };
        at = next;
    }
    return true;
}

static const tr__router_node *find_literal(const tr__router_node *node, tr__slice segment)
{
    char decoded[256]; /* a longer literal is compared as it is: nobody encodes one */
    bool is_there;
    size_t place;

    if (memchr(segment.at, '%', segment.bytes) != NULL && segment.bytes <= sizeof(decoded)) {
        ssize_t bytes = tr__percent_decode(segment, decoded, sizeof(decoded), 0);

        if (bytes < 0)
            return NULL;
        segment = (tr__slice){ decoded, (size_t)bytes };
    }
    place = place_of(node, segment, &is_there);
    return is_there ? node->literals[place] : NULL;
}

static void push_param(search *s, const char *begin, const char *end)
{
    s->match->params[s->match->param_count++] = (tr__slice){ begin, (size_t)(end - begin) };
}

static bool find_rest(const tr__router_node *node, search *s, size_t depth)
{
    const tr__slice *last = &s->segments[s->count - 1];

    if (node->rest == NULL)
        return false;
    push_param(s, s->segments[depth].at, last->at + last->bytes);
    s->match->all = node->rest->destinations;
    return true;
}

/* Depth first. As names fill at most TR__PARAMS_MOST levels of a pattern, at most 2^16 ways lead
 * on, and only where as many routes were written so. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as a path has segments, TR__SEGMENTS_MOST */
static bool find(const tr__router_node *node, search *s, size_t depth)
{
    size_t params = s->match->param_count;
    const tr__router_node *child;

    if (depth == s->count) {
        s->match->all = node->destinations;
        return node->destinations != NULL;
    }
    child = find_literal(node, s->segments[depth]);
    if (child != NULL && find(child, s, depth + 1))
        return true;
    s->match->param_count = params;
    if (node->any != NULL && s->segments[depth].bytes > 0) {
        push_param(s, s->segments[depth].at, s->segments[depth].at + s->segments[depth].bytes);
        if (find(node->any, s, depth + 1))
            return true;
    }
    s->match->param_count = params;
    return find_rest(node, s, depth);
}

void tr__router_find(const tr__router *router, tr__slice path, tr__match *match)
{
    search s; /* not cleared: it is large */

    s.match = match;
    match->all = NULL;
    match->param_count = 0;
    if (router->root == NULL || path.bytes == 0 || !split(path, &s))
        return;
    if (!find(router->root, &s, 0))
        match->param_count = 0;
}
