/* See links.h. */
#define _GNU_SOURCE
#include "links.h"

#include <libxml/HTMLparser.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <troupe/core.h>

#include "address.h"

struct reader {
    struct links *links;
    char *base; /* that <base> says; NULL: the page's */
    size_t room;
    bool is_in_title;
    bool follows_none;
    int rc;
};

static const char *attribute(const xmlChar **attributes, const char *name)
{
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
        if (strcasecmp((const char *)attributes[0], name) == 0)
            return (const char *)attributes[1];
    return NULL;
}

/* Takes url. */
static int keep(struct reader *r, char *url)
{
    struct links *l = r->links;

    if (l->count == r->room) {
        size_t room = r->room == 0 ? 16 : 2 * r->room;
        char **larger = reallocarray(l->found, room, sizeof(*larger));

        if (larger == NULL) {
            free(url);
            return TR_ENOMEM;
        }
        l->found = larger;
        r->room = room;
    }
    l->found[l->count++] = url;
    return 0;
}

static int follow(struct reader *r, const char *link)
{
    const char *base = r->base != NULL ? r->base : r->links->url;
    char *url = NULL;
    int rc = address_join(&url, base, link);

    if (rc == TR_EINVAL && (url = strdup(link)) == NULL)
        rc = TR_ENOMEM; /* kept as it is, so that it is accounted for */
    return url != NULL ? keep(r, url) : rc < 0 ? rc : 0;
}

static void read_base(struct reader *r, const char *link)
{
    char *url = NULL;

    if (link != NULL && r->base == NULL && address_join(&url, r->links->url, link) == 0)
        r->base = url; /* a wrong one is as none */
}

static void read_meta(struct reader *r, const xmlChar **attributes)
{
    const char *name = attribute(attributes, "name"), *content = attribute(attributes, "content");

    if (name != NULL && content != NULL && strcasecmp(name, "robots") == 0 &&
        (strcasestr(content, "nofollow") != NULL || strcasestr(content, "none") != NULL))
        r->follows_none = true;
}

static void begin_element(void *ctx, const xmlChar *tag, const xmlChar **attributes)
{
    struct reader *r = ctx;
    const char *name = (const char *)tag, *link = NULL, *rel = attribute(attributes, "rel");

    if (strcasecmp(name, "title") == 0)
        r->is_in_title = r->links->title[0] == '\0';
    else if (strcasecmp(name, "base") == 0)
        read_base(r, attribute(attributes, "href"));
    else if (strcasecmp(name, "meta") == 0)
        read_meta(r, attributes);
    else if (strcasecmp(name, "a") == 0 || strcasecmp(name, "area") == 0)
        link = attribute(attributes, "href");
    else if (strcasecmp(name, "frame") == 0 || strcasecmp(name, "iframe") == 0)
        link = attribute(attributes, "src");
    if (link != NULL && r->rc == 0 && (rel == NULL || strcasestr(rel, "nofollow") == NULL))
        r->rc = follow(r, link);
}

static void end_element(void *ctx, const xmlChar *tag)
{
    struct reader *r = ctx;

    if (strcasecmp((const char *)tag, "title") == 0)
        r->is_in_title = false;
}

/* It may come in pieces. */
static void read_text(void *ctx, const xmlChar *text, int bytes)
{
    struct reader *r = ctx;
    size_t used = strlen(r->links->title);

    if (r->is_in_title)
        (void)snprintf(r->links->title + used, TITLE_BYTES - used, "%.*s", bytes,
                       (const char *)text);
}

static void leave_out(struct links *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->found[i]);
    l->count = 0;
}

int links_read(void *arg)
{
    struct links *l = arg;
    struct reader r = { .links = l };
    htmlSAXHandler handler = { .startElement = begin_element,
                               .endElement = end_element,
                               .characters = read_text };
    htmlParserCtxtPtr parser =
        htmlCreatePushParserCtxt(&handler, &r, NULL, 0, l->url, XML_CHAR_ENCODING_NONE);

    if (parser == NULL)
        return TR_ENOMEM;
    (void)htmlParseChunk(parser, l->html, (int)l->bytes, 1); /* what is wrong is read over */
    if (parser->errNo == XML_ERR_NO_MEMORY)
        r.rc = TR_ENOMEM;
    htmlFreeParserCtxt(parser);
    free(r.base);
    if (r.follows_none)
        leave_out(l);
    return r.rc;
}

void links_fini(struct links *l)
{
    leave_out(l);
    free(l->found);
}
