/* See site.h. */
#include "site.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>

enum { CHAPTER = 100, LINK_BYTES = 100 };

struct site {
    size_t pages;
    atomic_bool *were_asked; /* flaky ones: any loop may be asked */
};

/* What the pages of a chapter are, by their place in it; all others are plain. */
static const struct {
    size_t place;
    const char *kind;
} kinds[] = { { 7, "missing" },  { 13, "moved" }, { 23, "slow" },
              { 37, "broken" },  { 41, "flaky" }, { 53, "failing" },
              { 61, "private" }, { 71, "file" },  { 89, "round" } };

static const char *kind_of(size_t number)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (number % CHAPTER == kinds[i].place)
            return kinds[i].kind;
    return "page";
}

/* A link, written in one way or another: a crawler is to know them for the same. */
static int write_link(tr_http_response *res, size_t number)
{
    static const struct {
        const char *before, *after;
    } ways[] = { { "/", "" }, { "../", "" }, { "./../", "#top" }, { "/x/../", "" } };
    const char *kind = kind_of(number);
    char line[LINK_BYTES];
    int bytes;

    if (number % 5 == 4) /* its first letter encoded, which changes nothing */
        bytes = snprintf(line, sizeof(line), "<li><a href=\" /%%%02x%s/%zu\">%zu</a>\n", kind[0],
                         kind + 1, number, number);
    else
        bytes = snprintf(line, sizeof(line), "<li><a href=\"%s%s/%zu%s\">%zu</a>\n",
                         ways[number % 5].before, kind, number, ways[number % 5].after, number);
    return tr_http_write(res, line, (size_t)bytes);
}

static int write_text(tr_http_response *res, const char *text)
{
    return tr_http_write(res, text, strlen(text));
}

/* A chapter leads to all of its pages, and to two other chapters, as a heap's nodes do. */
static int write_chapter(const struct site *site, tr_http_response *res, size_t chapter)
{
    int rc = 0;

    for (size_t i = 1; rc == 0 && i < CHAPTER && chapter * CHAPTER + i < site->pages; i++)
        rc = write_link(res, chapter * CHAPTER + i);
    for (size_t next = 2 * chapter + 1; rc == 0 && next <= 2 * chapter + 2; next++)
        if (next * CHAPTER < site->pages)
            rc = write_link(res, next * CHAPTER);
    return rc;
}

static int write_page(const struct site *site, tr_http_response *res, size_t number)
{
    char title[LINK_BYTES];
    int rc = tr_http_begin(res, 200, "text/html; charset=utf-8", -1);

    (void)snprintf(title, sizeof(title), "<!doctype html><title>Page %zu &amp; more</title>\n",
                   number);
    if (rc == 0)
        rc = write_text(res, title);
    if (rc == 0)
        rc = write_text(res,
                        "<p>See <a href='mailto:ann@example.org'>Ann</a>, <a href=/>the first page,"
                        "<a href=\"#top\">above</A>, <b>or</p> "
                        "<a rel=nofollow href=/trap>nothing</a>\n<ul>\n");
    if (rc == 0 && number % CHAPTER == 0)
        rc = write_chapter(site, res, number / CHAPTER);
    else if (rc == 0)
        rc = write_link(res, number - 1);
    return rc;
}

/* The page of the request, if the site has it, and there is what it is said to be. */
static int find_page(const struct site *site, tr_http_request *req, size_t *number)
{
    int64_t n = 0;
    int rc = tr_http_param_int(req, "number", &n);

    if (rc < 0)
        return rc;
    if (n < 0 || (uint64_t)n >= site->pages)
        return TR_ENOENT;
    *number = (size_t)n;
    return strcmp(kind_of(*number), tr_http_param(req, "kind")) == 0 ? 0 : TR_ENOENT;
}

static int be_broken(tr_http_response *res)
{
    int rc = tr_http_begin(res, 200, "text/html", 1000);

    if (rc == 0 && (rc = write_text(res, "<p>half of a")) == 0)
        rc = tr_http_flush(res);
    return rc < 0 ? rc : TR_EPIPE; /* it can't go on: the connection is cut */
}

static int answer(tr_http_request *req, tr_http_response *res, void *ctx)
{
    struct site *site = ctx;
    const char *kind = tr_http_param(req, "kind");
    char text[LINK_BYTES];
    size_t number;
    int rc = find_page(site, req, &number);

    if (rc < 0)
        return rc;
    if (strcmp(kind, "missing") == 0)
        return TR_ENOENT;
    if (strcmp(kind, "slow") == 0)
        return tr_sleep(3600); /* the client gives up before */
    if (strcmp(kind, "broken") == 0)
        return be_broken(res);
    if (strcmp(kind, "failing") == 0)
        return tr_http_problem(res, 500, "as always");
    if (strcmp(kind, "file") == 0)
        return tr_http_text(res, 200, "<a href='/trap'>this is no HTML</a>\n");
    if (strcmp(kind, "flaky") == 0 && !atomic_exchange(&site->were_asked[number], true)) {
        rc = tr_http_set_header(res, "Retry-After", "0");
        return rc < 0 ? rc : tr_http_problem(res, 503, "come again");
    }
    if (strcmp(kind, "moved") == 0)
        (void)snprintf(text, sizeof(text), "/page/%zu", number + 1);
    else if (strcmp(kind, "round") == 0)
        (void)snprintf(text, sizeof(text), "/round/%zu", number);
    else
        return write_page(site, res, number);
    return tr_http_redirect(res, strcmp(kind, "moved") == 0 ? 301 : 302, text);
}

static int first(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char html[] = "<title>A site</title><a href=page/0>Begin</a>, or go "
                               "<a href=//elsewhere.example:80/>elsewhere</a>, or "
                               "<a href='http://[nowhere'>nowhere</a>\n";

    (void)req;
    (void)ctx;
    return tr_http_send(res, 200, "text/html", html, sizeof(html) - 1);
}

static int robots(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200,
                        "User-agent: *\nDisallow: /private/ # but for\nAllow: /private/161$\n");
}

static int tell(void *srv)
{
    int rc = tr_http_await_ready(srv);

    if (rc == 0)
        printf("listening on %s\n", tr_http_address(srv));
    fflush(stdout);
    return rc;
}

static int serve(struct site *site, const char *address)
{
    tr_http_server *srv = NULL;
    int rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = address, .drain = 0.5 });

    if (rc < 0)
        return rc;
    tr_http_use(srv, tr_http_compress(NULL));
    tr_http_route(srv, "GET", "/", first, site);
    tr_http_route(srv, "GET", "/robots.txt", robots, site);
    tr_http_route(srv, "GET", "/:kind/:number", answer, site);
    tr_task_spawn(NULL, tell, srv);
    rc = tr_http_serve(srv); /* what could not be added above is returned here */
    return rc == TR_ECANCELED ? 0 : rc;
}

int site_serve(void *arg)
{
    const struct options *o = arg;
    struct site site = { o->site_pages, calloc(o->site_pages, sizeof(atomic_bool)) };
    int rc = site.were_asked == NULL ? TR_ENOMEM : serve(&site, o->site);

    free(site.were_asked);
    return rc;
}
