/* The sample web_api, in a simulation: its clients ask over a network that resets, cuts and parts,
 * its database is on a disk that fails, or whose power is cut, and it is stopped and started again.
 *
 * Each client has items of its own, and keeps a book: what was answered is what later answers show,
 * and what is there in the end. Where no answer has come, or one that says that something has
 * failed, the change may have been made, or not: nothing else. Such an item is left alone until the
 * end, for what was asked may yet be on its way. */
#include <troupe/db.h>
#include <troupe/sim_disk.h>

#include "samples/program.h"

enum { CLIENTS = 5, ITEMS = 4, STEPS = 14, PATIENCE = 200 };

#define ADDRESS "10.1.2.3:8080"

/* As answers have it. */
struct got {
    int64_t id;
    char *name, *about;
    double price;
};
struct got_page {
    struct got *items;
    size_t items_count;
};

TR_DECLARE_STRICT(got, TR_INTEGER(got, id, .required = true), TR_TEXT(got, name, .required = true),
                  TR_TEXT(got, about), TR_NUMBER(got, price, .required = true));
TR_DECLARE_STRICT(got_page, TR_ITEMS(got_page, items, got));

/* What an item is, or may be. */
typedef struct state {
    bool exists;
    int price;
    int about; /* a number, as text; 0: none */
} state;

typedef struct item {
    char name[40];
    int64_t id;
    state now;
    bool is_unsure;
    state other; /* then it may be this, too */
} item;

typedef struct weather {
    double failures; /* of the disk's operations */
    bool is_cut;     /* its power, at some moment */
    bool is_stopped; /* the sample, while clients ask */
} weather;

static weather how;
static tr_sim_disk *disk;
static tr_http_client *http;
static item items[CLIENTS][ITEMS];
static int firsts; /* who were told that they have made the item that all want to make */
static int number; /* the last that was given to a price or a text */

/* ---- asking ---- */

static int ask(tr_http_reply **reply, const char *method, const char *path, const char *body)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "http://" ADDRESS "%s", path);
    return tr_http_fetch(reply, http,
                         &(tr_http_call){ .method = method,
                                          .url = url,
                                          .body = body,
                                          .body_bytes = body != NULL ? strlen(body) : 0,
                                          .type = body != NULL ? "application/json" : NULL,
                                          .timeout = 60 });
}

static int ask_for(tr_http_reply **reply, const char *method, const item *i, const char *body)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/items/%lld", (long long)i->id);
    return ask(reply, method, path, body);
}

/* Whether an answer leaves no doubt; else there must have been a reason. 408 says that a request
 * has come too slowly, which the client may send again. */
static bool is_sure(int rc, tr_http_reply *reply)
{
    int status = tr_http_reply_status(reply);
    bool sure = rc == 0 && status < 500 && status != 408;

    if (!sure && !may_fail)
        (void)fprintf(stderr, "%s, %d: %s\n", tr_strerror(rc), tr_http_reply_status(reply),
                      tr_http_reply_text(reply));
    MUST(sure || may_fail);
    return sure;
}

static bool shows(const struct got *got, const state *s)
{
    return got->price == (double)s->price &&
           (s->about == 0 ? got->about == NULL
                          : got->about != NULL && strtol(got->about, NULL, 10) == s->about);
}

/* ---- what one client does ---- */

/* A change was asked for: 'after' is what comes of it, if it is made. An answer that a repetition
 * of the request explains (the client repeats, where a connection is lost, what may be repeated)
 * leaves a doubt. */
static void note(item *i, int rc, tr_http_reply *reply, int status, const state *after)
{
    bool sure = is_sure(rc, reply);
    int repeated = after->exists ? 409 : 404;
    struct got got;

    if (sure && tr_http_reply_status(reply) == status) {
        if (after->exists) {
            MUST(tr_http_reply_parse(reply, got, &got) == 0);
            MUST(strcmp(got.name, i->name) == 0 && shows(&got, after));
            MUST(i->now.exists ? got.id == i->id : got.id > 0);
            i->id = got.id;
        }
        i->now = *after;
    } else {
        MUST(!sure || (may_fail && tr_http_reply_status(reply) == repeated));
        i->is_unsure = true;
        i->other = *after;
    }
    tr_http_reply_free(reply);
}

static void create(item *i)
{
    const state after = { true, ++number, 0 };
    tr_http_reply *reply;
    char body[80];
    int rc;

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"price\":%d}", i->name, after.price);
    rc = ask(&reply, "POST", "/items", body);
    note(i, rc, reply, 201, &after);
}

static void change(item *i)
{
    state after = i->now;
    tr_http_reply *reply;
    char body[80];
    int rc;

    if (tr_sim_random() % 2 == 0) {
        after.price = ++number;
        (void)snprintf(body, sizeof(body), "{\"price\":%d}", after.price);
    } else if (tr_sim_random() % 3 == 0) {
        after.about = 0;
        (void)snprintf(body, sizeof(body), "{\"about\":null}");
    } else {
        after.about = ++number;
        (void)snprintf(body, sizeof(body), "{\"about\":\"%d\"}", after.about);
    }
    rc = ask_for(&reply, "PATCH", i, body);
    note(i, rc, reply, 200, &after);
}

static void delete (item *i)
{
    const state after = { 0 };
    tr_http_reply *reply;
    int rc = ask_for(&reply, "DELETE", i, NULL);

    note(i, rc, reply, 204, &after);
}

static void look(const item *i)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    struct got got;
    int rc = ask_for(&reply, "GET", i, NULL);

    if (!is_sure(rc, reply))
        return;
    if (i->now.exists) {
        MUST(tr_http_reply_status(reply) == 200);
        MUST(tr_http_reply_parse(reply, got, &got) == 0);
        MUST(got.id == i->id && strcmp(got.name, i->name) == 0 && shows(&got, &i->now));
    } else {
        MUST(tr_http_reply_status(reply) == 404);
    }
}

/* What is wrong is refused, and changes nothing. */
static void be_wrong(const item *i)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = ask_for(&reply, "PATCH", i, "{\"price\":-1}");

    MUST(!is_sure(rc, reply) || tr_http_reply_status(reply) == 422);
}

static void want_the_same(void)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = ask(&reply, "POST", "/items", "{\"name\":\"the same\",\"price\":0}");

    if (!is_sure(rc, reply))
        return;
    MUST(tr_http_reply_status(reply) == 201 || tr_http_reply_status(reply) == 409);
    firsts += tr_http_reply_status(reply) == 201;
}

static void take_step(item *i)
{
    if (i->is_unsure)
        return;
    if (!i->now.exists) {
        if (i->id != 0 && tr_sim_random() % 3 != 0)
            look(i);
        else
            create(i);
        return;
    }
    switch (tr_sim_random() % 5) {
    case 0:
        delete (i);
        break;
    case 1:
        look(i);
        break;
    case 2:
        be_wrong(i);
        break;
    default:
        change(i);
    }
}

static int be_client(void *arg)
{
    item *own = items[((const client *)arg)->number];

    want_the_same();
    for (int i = 0; i < STEPS; i++)
        take_step(&own[tr_sim_random() % ITEMS]);
    return 0;
}

/* ---- what there is in the end ---- */

/* Until an answer comes: some may be lost. */
static tr_http_reply *insist(const char *path)
{
    tr_http_reply *reply;

    for (int i = 0; i < PATIENCE; i++) {
        int rc = ask(&reply, "GET", path, NULL);

        if (is_sure(rc, reply))
            return reply;
        tr_http_reply_free(reply);
    }
    must_have(__FILE__, __LINE__, "an answer");
}

static const struct got *find(const struct got_page *page, const char *name)
{
    for (size_t i = 0; i < page->items_count; i++)
        if (strcmp(page->items[i].name, name) == 0)
            return &page->items[i];
    return NULL;
}

static bool is_in_state(const struct got *got, const state *s)
{
    return s->exists ? got != NULL && shows(got, s) : got == NULL;
}

static void examine(void)
{
    tr_http_reply *reply tr_cleanup_reply = insist("/items?limit=100");
    struct got_page page;
    size_t known = 0;

    MUST(tr_http_reply_status(reply) == 200);
    MUST(tr_http_reply_parse(reply, got_page, &page) == 0);
    for (int c = 0; c < CLIENTS; c++)
        for (int n = 0; n < ITEMS; n++) {
            const item *i = &items[c][n];
            const struct got *got = find(&page, i->name);

            MUST(is_in_state(got, &i->now) || (i->is_unsure && is_in_state(got, &i->other)));
            MUST(got == NULL || !i->now.exists || got->id == i->id);
            known += got != NULL;
        }
    known += find(&page, "the same") != NULL;
    MUST(page.items_count == known);
    MUST(may_fail ? firsts <= 1 : firsts == 1);
    MUST(firsts == 0 || find(&page, "the same") != NULL);
}

/* ---- a run ---- */

static char *command[] = { "web_api", ADDRESS, "items.db", NULL };

static void start(void)
{
    keep_output();
    begin_program(command, 0);
    await_listening(program.task);
}

static void stop(void)
{
    cancel_program();
    MUST(await_program() == 0);
    forget_output();
}

static int spoil(void *unused)
{
    int rc = tr_sleep((double)(tr_sim_random() % 1000) / 1000 * 0.5);

    (void)unused;
    if (rc == 0 && how.is_cut)
        tr_sim_disk_cut_power(disk);
    if (rc == 0 && how.is_stopped)
        cancel_program();
    return rc;
}

static int run(void *unused)
{
    tr_task *spoiler;

    (void)unused;
    MUST(tr_http_client_new(&http, NULL) == 0);
    start();
    tr_sim_disk_set_latency(disk, 0.02);
    tr_sim_disk_set_failures(disk, how.failures);
    MUST(tr_task_spawn(&spoiler, spoil, NULL) == 0);
    run_clients(CLIENTS, be_client, NULL);
    MUST(tr_task_wait(spoiler, TR_FOREVER) == 0);
    tr_task_unref(spoiler);
    stop();
    tr_sim_disk_set_failures(disk, 0);
    start();
    examine();
    stop();
    tr_http_client_unref(http);
    return 0;
}

static int run_on_disk(void *unused)
{
    int rc;

    memset(items, 0, sizeof(items));
    firsts = number = 0;
    for (int c = 0; c < CLIENTS; c++)
        for (int n = 0; n < ITEMS; n++)
            (void)snprintf(items[c][n].name, sizeof(items[c][n].name), "%d of client %d", n, c);
    MUST(tr_sim_disk_new(&disk) == 0);
    rc = run(unused);
    tr_sim_disk_free(disk);
    return rc;
}

/* ---- the tests ---- */

enum { SEEDS_EACH = SEEDS / 3 + 1 };

static void try_all(weather w, tr_sim_options options, bool fails)
{
    static tr_task_fn root = run_on_disk;

    how = w;
    may_fail = fails;
    tr_log_set(be_quiet, NULL);
    options.seed = 1;
    options.late = 0.01;
    ck_assert_int_eq(tr_sim_explore(run_root, &root, SEEDS_EACH, &options), 0);
}

#define BAD_NETWORK .reset = 0.01, .partition = 0.002, .short_transfer = 0.3

START_TEST(what_was_answered_is_what_a_later_answer_shows)
{
    try_all((weather){ 0 }, (tr_sim_options){ .stall = 0.01, .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(so_it_is_where_connections_are_reset_or_parted)
{
    try_all((weather){ 0 }, (tr_sim_options){ BAD_NETWORK }, true);
}
END_TEST

START_TEST(so_it_is_on_a_disk_that_fails)
{
    try_all((weather){ .failures = 0.01 }, (tr_sim_options){ 0 }, true);
}
END_TEST

START_TEST(so_it_is_where_the_power_is_cut)
{
    try_all((weather){ .is_cut = true }, (tr_sim_options){ BAD_NETWORK }, true);
}
END_TEST

START_TEST(so_it_is_where_it_is_stopped_while_clients_ask)
{
    try_all((weather){ .is_stopped = true }, (tr_sim_options){ .reset = 0.005 }, true);
}
END_TEST

SUITE_MAIN("samples/web_api", what_was_answered_is_what_a_later_answer_shows,
           so_it_is_where_connections_are_reset_or_parted, so_it_is_on_a_disk_that_fails,
           so_it_is_where_the_power_is_cut, so_it_is_where_it_is_stopped_while_clients_ask)
