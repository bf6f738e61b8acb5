/* Cookies that are kept. */
#include "client/jar.h"

#include <libpsl.h>
#include <troupe/core.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/seam.h"
#include "base/siphash.h"
#include "base/threads.h"
#include "client/set_cookie.h"

enum { BUCKETS = 256 };

typedef struct cookie {
    tr__list in_site;
    tr__list by_use; /* in the jar's list */
    struct site *site;
    struct cookie *next; /* of those that go with a request, or are to be freed */
    uint64_t made;       /* in which order they were made, and used */
    uint64_t used;
    int64_t expires_s;
    tr__slice name, value, domain, path; /* in text */
    bool is_host_only;
    bool is_secure;
    char text[];
} cookie;

typedef struct site {
    struct site *next; /* in its bucket */
    uint64_t hash;
    tr__list cookies;
    unsigned count;
    tr__slice name; /* in text */
    char text[];
} site;

struct tr__jar {
    pthread_mutex_t lock; /* of all that follows but key */
    uint64_t key[2];      /* of the hash */
    site *buckets[BUCKETS];
    tr__list by_use; /* what was used least lately first */
    unsigned count;
    uint64_t clock;
};

/* ---- domains and paths ---- */

/* Where cookies of a host stand: under the name that could be registered, or under its own. It is a
 * part of the host's text. */
static const char *site_of(const tr__url *url)
{
    const char *name = url->is_numeric ? NULL : psl_registrable_domain(psl_builtin(), url->name);

    return name != NULL ? name : url->name;
}

/* Whether a host is the domain, or below it (5.1.3). */
static bool is_within(tr__slice host, tr__slice domain)
{
    size_t before;

    if (host.bytes <= domain.bytes || domain.bytes == 0)
        return tr__slice_equals_ignoring_case(host, domain);
    before = host.bytes - domain.bytes;
    return host.at[before - 1] == '.' &&
           tr__slice_equals_ignoring_case(tr__slice_tail(host, before), domain);
}

/* 5.1.4. */
static bool is_below(tr__slice path, tr__slice of_cookie)
{
    if (path.bytes < of_cookie.bytes ||
        !tr__slice_equals(tr__slice_head(path, of_cookie.bytes), of_cookie))
        return false;
    return path.bytes == of_cookie.bytes || of_cookie.at[of_cookie.bytes - 1] == '/' ||
           path.at[of_cookie.bytes] == '/';
}

/* All before the last '/', or "/". */
static tr__slice default_path(tr__slice path)
{
    size_t bytes = path.bytes;

    while (bytes > 1 && path.at[bytes - 1] != '/')
        bytes--;
    return tr__slice_head(path, bytes > 1 ? bytes - 1 : 1);
}

/* What a line means by its domain, which becomes a part of the host's text. false: it may not set
 * it. */
static bool settle_domain(const tr__url *url, tr__set_cookie *line, bool *is_host_only)
{
    tr__slice host = tr__slice_of(url->name);
    tr__slice domain = line->domain;

    *is_host_only = domain.bytes == 0;
    line->domain = host;
    if (domain.bytes == 0)
        return true;
    if (!is_within(host, domain) || (url->is_numeric && domain.bytes != host.bytes))
        return false;
    line->domain = tr__slice_tail(host, host.bytes - domain.bytes);
    if (url->is_numeric || psl_is_public_suffix2(psl_builtin(), line->domain.at, PSL_TYPE_ANY)) {
        *is_host_only = true;
        return domain.bytes == host.bytes;
    }
    return true;
}

static bool has_prefix(tr__slice name, const char *prefix)
{
    size_t bytes = strlen(prefix);

    return name.bytes >= bytes && tr__slice_is_ignoring_case(tr__slice_head(name, bytes), prefix);
}

/* Whether it may be set by this answer, as far as the line alone tells. */
static bool settle(const tr__url *url, tr__set_cookie *line, bool *is_host_only)
{
    bool is_root = tr__slice_is(line->path, "/");

    if (!settle_domain(url, line, is_host_only))
        return false;
    if (line->path.bytes == 0)
        line->path = default_path(url->path);
    if (line->is_secure && !url->is_secure)
        return false;
    if (has_prefix(line->name, "__Secure-") && !line->is_secure)
        return false;
    return !has_prefix(line->name, "__Host-") || (line->is_secure && *is_host_only && is_root);
}

/* ---- sites ---- */

static site **place_of(tr__jar *jar, tr__slice name, uint64_t hash)
{
    site **at = &jar->buckets[hash % BUCKETS];

    while (*at != NULL && ((*at)->hash != hash || !tr__slice_equals((*at)->name, name)))
        at = &(*at)->next;
    return at;
}

static site *new_site(tr__slice name, uint64_t hash)
{
    site *s = tr__alloc(sizeof(*s) + name.bytes);

    if (s == NULL)
        return NULL;
    *s = (site){ .hash = hash, .name = { s->text, name.bytes } };
    memcpy(s->text, name.at, name.bytes);
    tr__list_init(&s->cookies);
    return s;
}

/* ---- cookies ---- */

static tr__slice copy_to(char **at, tr__slice text)
{
    tr__slice copy = { *at, text.bytes };

    if (text.bytes > 0)
        memcpy(*at, text.at, text.bytes);
    *at += text.bytes;
    return copy;
}

static cookie *new_cookie(const tr__set_cookie *line, bool is_host_only)
{
    cookie *c = tr__alloc(sizeof(*c) + line->name.bytes + line->value.bytes + line->domain.bytes +
                          line->path.bytes);
    char *at;

    if (c == NULL)
        return NULL;
    at = c->text;
    *c = (cookie){
        .expires_s = line->expires_s,
        .is_host_only = is_host_only,
        .is_secure = line->is_secure,
    };
    c->name = copy_to(&at, line->name);
    c->value = copy_to(&at, line->value);
    c->domain = copy_to(&at, line->domain);
    c->path = copy_to(&at, line->path);
    return c;
}

static bool has_expired(const cookie *c, int64_t now_s)
{
    return c->expires_s <= now_s;
}

static cookie *cookie_of(tr__list *node)
{
    return TR__CONTAINER_OF(node, cookie, in_site);
}

static void link_cookie(tr__jar *jar, site *s, cookie *c)
{
    c->site = s;
    c->used = ++jar->clock;
    if (c->made == 0)
        c->made = c->used;
    tr__list_append(&s->cookies, &c->in_site);
    tr__list_append(&jar->by_use, &c->by_use);
    s->count++;
    jar->count++;
}

/* Take it out, and put it before those that are to be freed. Its site stays. */
static void unlink_cookie(tr__jar *jar, cookie *c, cookie **gone)
{
    tr__list_remove(&c->in_site);
    tr__list_remove(&c->by_use);
    c->site->count--;
    jar->count--;
    c->next = *gone;
    *gone = c;
}

/* The site of the cookie just taken out, unless it has others: it is the caller's then. */
static site *take_if_empty(tr__jar *jar, site *s)
{
    if (s == NULL || s->count > 0)
        return NULL;
    *place_of(jar, s->name, s->hash) = s->next;
    s->next = NULL;
    return s;
}

static void free_cookies(cookie *gone)
{
    while (gone != NULL) {
        cookie *c = gone;

        gone = c->next;
        tr__free(c);
    }
}

/* ---- making room ---- */

/* The greater, the sooner it goes. */
static int expendability(const cookie *c, int64_t now_s)
{
    return has_expired(c, now_s) ? 2 : c->is_secure ? 0 : 1;
}

/* Of a site that has one. */
static void evict_of_site(tr__jar *jar, site *s, int64_t now_s, cookie **gone)
{
    cookie *victim = cookie_of(s->cookies.next);

    for (tr__list *at = s->cookies.next; at != &s->cookies; at = at->next) {
        cookie *c = cookie_of(at);
        int by = expendability(c, now_s) - expendability(victim, now_s);

        if (by > 0 || (by == 0 && c->used < victim->used))
            victim = c;
    }
    TR_ASSERT(tr__list_is_linked(&victim->in_site)); /* it has one */
    unlink_cookie(jar, victim, gone);
}

/* A site that is left without a cookie, if it is not the one that gets one: the caller's. */
static site *make_room(tr__jar *jar, site *s, int64_t now_s, cookie **gone)
{
    cookie *oldest;

    if (s->count >= TR__JAR_SITE_MOST)
        evict_of_site(jar, s, now_s, gone);
    if (jar->count < TR__JAR_MOST)
        return NULL;
    oldest = TR__CONTAINER_OF(jar->by_use.next, cookie, by_use);
    unlink_cookie(jar, oldest, gone);
    return oldest->site != s ? take_if_empty(jar, oldest->site) : NULL;
}

/* ---- setting ---- */

static bool is_same(const cookie *a, const cookie *b)
{
    return tr__slice_equals(a->name, b->name) && tr__slice_equals(a->domain, b->domain) &&
           a->is_host_only == b->is_host_only && tr__slice_equals(a->path, b->path);
}

/* What came by TLS is not shadowed by what did not (draft 6265bis, 5.7, step 16). */
static bool would_shadow(const cookie *c, const cookie *secure)
{
    return secure->is_secure && tr__slice_equals(c->name, secure->name) &&
           (is_within(c->domain, secure->domain) || is_within(secure->domain, c->domain)) &&
           is_below(c->path, secure->path);
}

/* The one that it takes the place of; *is_refused: it may not. */
static cookie *find_same(site *s, const cookie *c, bool is_secure, bool *is_refused)
{
    cookie *same = NULL;

    for (tr__list *at = s->cookies.next; at != &s->cookies; at = at->next) {
        cookie *other = cookie_of(at);

        *is_refused = *is_refused || (!is_secure && would_shadow(c, other));
        if (is_same(c, other))
            same = other;
    }
    return same;
}

/* With the lock: put a cookie into its site, which is fresh if there was none. What is not needed
 * any more is put before gone, or returned. */
static site *insert(tr__jar *jar, site *fresh, cookie *c, bool is_secure, int64_t now_s,
                    cookie **gone)
{
    site **place = place_of(jar, fresh->name, fresh->hash);
    site *s = *place != NULL ? *place : fresh;
    site *unused = *place != NULL ? fresh : NULL;
    bool is_refused = false;
    cookie *same = find_same(s, c, is_secure, &is_refused);

    *place = s;
    if (same != NULL && !is_refused) {
        c->made = same->made;
        unlink_cookie(jar, same, gone);
    }
    if (is_refused || has_expired(c, now_s)) {
        c->next = *gone;
        *gone = c;
        s = take_if_empty(jar, s);
    } else {
        site *emptied = make_room(jar, s, now_s, gone);

        link_cookie(jar, s, c);
        s = emptied;
    }
    if (s != NULL)
        s->next = unused;
    return s != NULL ? s : unused;
}

static int set(tr__jar *jar, const tr__url *url, const tr__set_cookie *line, bool is_host_only,
               int64_t now_s)
{
    tr__slice name = tr__slice_of(site_of(url));
    cookie *c = new_cookie(line, is_host_only);
    site *s = new_site(name, tr__siphash(jar->key, name.at, name.bytes));
    cookie *gone = NULL;

    if (c == NULL || s == NULL) {
        tr__free(c);
        tr__free(s);
        return TR_ENOMEM;
    }
    tr__mutex_lock(&jar->lock);
    s = insert(jar, s, c, url->is_secure, now_s, &gone);
    tr__mutex_unlock(&jar->lock);
    free_cookies(gone);
    while (s != NULL) {
        site *unused = s;

        s = s->next;
        tr__free(unused);
    }
    return 0;
}

int tr__jar_set(tr__jar *jar, const tr__url *url, tr__slice line, int64_t now_s)
{
    tr__set_cookie parsed;
    bool is_host_only;

    if (!tr__set_cookie_parse(&parsed, line, now_s) || !settle(url, &parsed, &is_host_only))
        return 0;
    return set(jar, url, &parsed, is_host_only, now_s);
}

/* ---- getting ---- */

static bool goes_with(const cookie *c, const tr__url *url, int64_t now_s)
{
    tr__slice host = tr__slice_of(url->name);

    if (has_expired(c, now_s) || (c->is_secure && !url->is_secure) || !is_below(url->path, c->path))
        return false;
    return c->is_host_only ? tr__slice_equals(host, c->domain) : is_within(host, c->domain);
}

/* Longer paths go first, and then what was made earlier (5.4, 2). */
static bool goes_before(const cookie *a, const cookie *b)
{
    return a->path.bytes != b->path.bytes ? a->path.bytes > b->path.bytes : a->made < b->made;
}

/* Those of a site that go with a request, in order; *bytes is what they need as a header. */
static cookie *gather(tr__jar *jar, site *s, const tr__url *url, int64_t now_s, size_t *bytes)
{
    cookie *first = NULL;

    for (tr__list *at = s->cookies.next; at != &s->cookies; at = at->next) {
        cookie *c = cookie_of(at);
        cookie **place = &first;

        if (!goes_with(c, url, now_s))
            continue;
        while (*place != NULL && goes_before(*place, c))
            place = &(*place)->next;
        c->next = *place;
        *place = c;
        *bytes += c->name.bytes + 1 + c->value.bytes + 2;
        c->used = ++jar->clock;
        tr__list_remove(&c->by_use);
        tr__list_append(&jar->by_use, &c->by_use);
    }
    return first;
}

static void append(tr__buffer *out, const char *text, size_t bytes)
{
    if (bytes > 0)
        memcpy(out->bytes + out->end, text, bytes);
    out->end += bytes;
}

int tr__jar_get(tr__jar *jar, const tr__url *url, int64_t now_s, tr__buffer *out)
{
    tr__slice name = tr__slice_of(site_of(url));
    uint64_t hash = tr__siphash(jar->key, name.at, name.bytes);
    cookie *c = NULL;
    size_t bytes = 0;
    site *s;
    int rc = 0;

    tr__mutex_lock(&jar->lock);
    s = *place_of(jar, name, hash);
    if (s != NULL)
        c = gather(jar, s, url, now_s, &bytes);
    if (c != NULL && !tr__buffer_reserve(out, bytes))
        rc = TR_ENOMEM;
    for (; c != NULL && rc == 0; c = c->next) {
        append(out, c->name.at, c->name.bytes);
        append(out, "=", 1);
        append(out, c->value.at, c->value.bytes);
        append(out, "; ", c->next != NULL ? 2 : 0);
    }
    tr__mutex_unlock(&jar->lock);
    return rc;
}

/* ---- its life ---- */

int tr__jar_new(tr__jar **out)
{
    tr__jar *jar = tr__alloc_zeroed(sizeof(*jar));

    *out = jar;
    if (jar == NULL)
        return TR_ENOMEM;
    (void)pthread_mutex_init(&jar->lock, NULL); /* it can't fail on Linux */
    jar->key[0] = tr__dice();
    jar->key[1] = tr__dice();
    tr__list_init(&jar->by_use);
    return 0;
}

void tr__jar_free(tr__jar *jar)
{
    if (jar == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (jar->buckets[i] != NULL) {
            site *s = jar->buckets[i];
            tr__list *at;

            jar->buckets[i] = s->next;
            while ((at = tr__list_take_first(&s->cookies)) != NULL)
                tr__free(cookie_of(at));
            tr__free(s);
        }
    (void)pthread_mutex_destroy(&jar->lock);
    tr__free(jar);
}
