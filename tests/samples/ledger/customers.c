/* See customers.h. */
#include "samples/ledger/customers.h"

#include <inttypes.h>
#include <string.h>
#include <troupe/sim.h>

#define TIMEOUT_SECONDS 20.0

/* ---- what is said ---- */

struct wish { /* for an account */
    char *owner;
    int64_t cents;
};
TR_DECLARE(wish, TR_TEXT(wish, owner), TR_INTEGER(wish, cents));

struct account {
    int64_t id;
    char *owner;
    int64_t cents;
};
TR_DECLARE(account, TR_INTEGER(account, id, .required = true),
           TR_TEXT(account, owner, .required = true), TR_INTEGER(account, cents, .required = true));

struct request {
    int64_t from, to, cents;
    char *memo;
};
TR_DECLARE(request, TR_INTEGER(request, from), TR_INTEGER(request, to), TR_INTEGER(request, cents),
           TR_TEXT(request, memo));

struct answer {
    int64_t id, from, to, cents;
    char *memo;
};
TR_DECLARE(answer, TR_INTEGER(answer, id, .required = true),
           TR_INTEGER(answer, from, .required = true), TR_INTEGER(answer, to, .required = true),
           TR_INTEGER(answer, cents, .required = true), TR_TEXT(answer, memo, .required = true));

struct credentials {
    char *user;
    char *password;
};
TR_DECLARE(credentials, TR_TEXT(credentials, user), TR_TEXT(credentials, password));

struct session {
    char *token;
};
TR_DECLARE(session, TR_TEXT(session, token, .required = true));

struct problem {
    char *detail;
};
TR_DECLARE(problem, TR_TEXT(problem, detail, .required = true, .min_length = 10));

static int chance(int of)
{
    return tr_sim_random() % (uint64_t)of == 0;
}

static int64_t dice(int64_t least, int64_t most)
{
    return least + (int64_t)(tr_sim_random() % (uint64_t)(most - least + 1));
}

/* ---- asking ---- */

static _Noreturn void refuse_answer(tr_http_reply *reply)
{
    (void)fprintf(stderr, "%s must not be answered: %d %s\n", tr_http_reply_url(reply),
                  tr_http_reply_status(reply), tr_http_reply_text(reply));
    abort();
}

/* It says why, and when to come again; or the server has no memory to say so. */
static void must_be_explained(customer *c, tr_http_reply *reply)
{
    struct problem p;
    int rc = tr_http_reply_parse(reply, problem, &p);

    if (!c->weather->is_out_of_memory &&
        (rc != 0 || tr_http_reply_header(reply, "Retry-After") == NULL))
        refuse_answer(reply);
}

/* A status; or below 0: no answer. The reply is the caller's, NULL where there is none. */
static int ask(customer *c, tr_http_reply **reply, tr_http_call *call)
{
    int rc, status;

    call->bearer = c->token[0] != 0 ? c->token : NULL;
    call->timeout = TIMEOUT_SECONDS;
    rc = tr_http_fetch(reply, c->client, call);
    if (rc < 0)
        return rc;
    status = tr_http_reply_status(*reply);
    if (status == 408) /* the network was so slow: it was not read to its end */
        return TR_ETIMEDOUT;
    if (status == 503)
        must_be_explained(c, *reply);
    else if (status >= 500 && !c->weather->is_out_of_memory)
        refuse_answer(*reply);
    if (status == 401) /* a session that was begun once is on disk */
        refuse_answer(*reply);
    return status;
}

/* What is asked only to look, and may fail like all else. */
static tr_http_reply *look(customer *c, const char *path)
{
    tr_http_reply *reply = NULL;
    int status = ask(c, &reply, &(tr_http_call){ .url = path });

    if (status >= 300 && status < 500)
        refuse_answer(reply);
    if (status == 200)
        return reply;
    tr_http_reply_free(reply);
    return NULL;
}

/* Parse what was answered; false: there is no memory. What it should be, it is. */
#define PARSES(c, reply, name, out) parses((c), (reply), tr_http_reply_parse((reply), name, (out)))
static bool parses(customer *c, tr_http_reply *reply, int rc)
{
    if (rc < 0 && (rc != TR_ENOMEM || !c->weather->is_out_of_memory))
        refuse_answer(reply);
    return rc == 0;
}

/* ---- transfers ---- */

/* What is told of a disk that fails may be found yet, where the power is cut before the next
 * commit (decision 036). */
static outcome outcome_of_503(tr_http_reply *reply)
{
    const char *text = tr_http_reply_text(reply);

    return strstr(text, "Nothing was done") != NULL && strstr(text, "disk") == NULL ? NOT_DONE
                                                                                    : LOST;
}

static outcome outcome_of_200(customer *c, const order *o, tr_http_reply *reply, int64_t *id)
{
    struct answer a;

    if (!PARSES(c, reply, answer, &a))
        return LOST;
    if (a.from != o->from || a.to != o->to || a.cents != o->cents || strcmp(a.memo, o->memo) != 0)
        refuse_answer(reply);
    *id = a.id;
    return DONE;
}

static int send_order(customer *c, const order *o, int64_t cents, tr_http_reply **reply)
{
    char key[64];
    struct request r = { o->from, o->to, cents, (char *)(uintptr_t)o->memo }; /* it is only read */

    (void)snprintf(key, sizeof(key), "Idempotency-Key: %s", o->key);
    return ask(c, reply,
               &(tr_http_call){ .url = "/transfers",
                                .json = &tr_declared_request,
                                .value = &r,
                                .headers = (const char *const[]){ key, NULL } });
}

/* Once. */
static outcome try_order(customer *c, order *o)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int64_t id = 0;
    outcome result = LOST;
    int status;

    books_ask(o);
    status = send_order(c, o, o->cents, &reply);
    if (status == 200)
        result = outcome_of_200(c, o, reply, &id);
    else if (status == 503)
        result = outcome_of_503(reply);
    else if (status == 409)
        result = REFUSED;
    else if (status == TR_ECONNREFUSED)
        result = NOT_DONE;
    else if (status > 0 && status < 500)
        refuse_answer(reply);
    books_note(o, result, id);
    return result;
}

struct try_order_args {
    customer *c;
    order *o;
};

static int try_in_task(void *arg)
{
    const struct try_order_args *a = arg;

    (void)try_order(a->c, a->o);
    return 0;
}

/* From two tasks at the same time: it is done once. */
static void try_twice(customer *c, order *o)
{
    struct try_order_args args = { c, o };
    tr_task *other;

    if (tr_task_spawn(&other, try_in_task, &args) < 0)
        return;
    (void)try_order(c, o);
    (void)tr_task_wait(other, TR_FOREVER);
    tr_task_unref(other);
}

/* Purses only pay: into what is everybody's. */
static order *new_order(customer *c)
{
    static const char *const memos[] = { "", "rent", "caf\u00e9, \"quoted\"" };
    order *o = books_order(c->number);
    int64_t purse = c->number < CUSTOMERS ? books_purse(c->number) : 0;

    if (o == NULL)
        return NULL;
    o->from = purse != 0 && chance(2) ? purse : dice(1, SHARED);
    o->to = dice(1, SHARED - 1);
    o->to += o->to >= o->from;
    o->cents = chance(5) ? dice(1, 150000) : dice(1, 2000);
    o->memo = memos[tr_sim_random() % 3];
    return o;
}

static void move_money(customer *c)
{
    order *o = new_order(c);

    if (o == NULL)
        return;
    if (chance(4))
        try_twice(c, o);
    while (try_order(c, o) >= NOT_DONE && !c->weather->is_over)
        (void)tr_sleep((double)dice(1, 1000) / 1000);
}

/* A key that was answered: as it was, or with another body, which is refused. */
static void ask_again(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    const order *o = books_answered(c->number);
    int more = chance(3), status;
    int64_t id = 0;

    if (o == NULL)
        return;
    status = send_order(c, o, o->cents + more, &reply);
    if (status == 200 && !more && outcome_of_200(c, o, reply, &id) == DONE) {
        MUST(id == o->id);
        MUST(tr_http_reply_header(reply, "Idempotent-Replayed") != NULL);
    } else if (status > 0 && status < 500 && status != (more ? 422 : 200))
        refuse_answer(reply);
}

/* ---- what is wrong, and must be said to be ---- */

static void ask_badly(customer *c)
{
    static const struct wrong {
        const char *body;
        const char *key;
        int status;
    } all[] = {
        { "{\"from\":1,\"to\":2,\"cents\":5}", "X-Key: none", 400 },
        { "{\"from\":1,\"to\":1,\"cents\":5}", "Idempotency-Key: bad", 422 },
        { "{\"from\":1,\"to\":2,\"cents\":0}", "Idempotency-Key: bad", 422 },
        { "{\"from\":1,\"to\":2", "Idempotency-Key: bad", 400 },
        { "{\"from\":1,\"to\":99999,\"cents\":5}", "Idempotency-Key: bad", 404 },
        { "{\"from\":99999,\"to\":1,\"cents\":5}", "Idempotency-Key: bad", 404 },
    };
    const struct wrong *w = &all[tr_sim_random() % (sizeof(all) / sizeof(all[0]))];
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int status = ask(c, &reply,
                     &(tr_http_call){ .url = "/transfers",
                                      .type = "application/json",
                                      .body = w->body,
                                      .body_bytes = strlen(w->body),
                                      .headers = (const char *const[]){ w->key, NULL } });

    if (status > 0 && status < 500 && status != w->status)
        refuse_answer(reply);
}

/* ---- looking ---- */

/* Who was answered 200 reads what he wrote. */
static void look_into_purse(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int64_t least, most, unused;
    struct account a;
    char path[40];

    (void)snprintf(path, sizeof(path), "/accounts/%" PRId64, books_purse(c->number));
    books_bounds(c->number, &unused, &most);
    reply = look(c, path);
    books_bounds(c->number, &least, &unused);
    if (reply != NULL && PARSES(c, reply, account, &a) && (a.cents < least || a.cents > most)) {
        (void)fprintf(stderr, "between %" PRId64 " and %" PRId64 "\n", least, most);
        refuse_answer(reply);
    }
}

/* A line for each posting: the balance runs along. */
static void check_lines(customer *c, char *text)
{
    int64_t balance = 0, last = 0;
    char *rest;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        tr_parsed *parsed tr_cleanup_parsed = NULL;
        struct posting p;
        int rc = tr_declared_parse(&parsed, posting, &p, line, strlen(line), NULL);

        if (rc == TR_ENOMEM && c->weather->is_out_of_memory)
            return;
        MUST(rc == 0);
        balance += p.cents;
        MUST(p.id > last && p.balance == balance);
        last = p.id;
    }
}

static void read_statement(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    char path[60], *text;

    (void)snprintf(path, sizeof(path), "/accounts/%" PRId64 "/statement", dice(1, SHARED));
    reply = look(c, path);
    if (reply == NULL)
        return;
    text = strdup(tr_http_reply_text(reply));
    MUST(text != NULL);
    check_lines(c, text);
    free(text);
}

void customer_must_find_books_right(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = look(c, "/audit");

    if (reply != NULL && strstr(tr_http_reply_text(reply), "\"holds\":true") == NULL)
        refuse_answer(reply);
}

static void look_around(customer *c)
{
    static const char *const paths[] = { "/metrics", "/accounts?limit=3", "/", "/healthz" };

    switch (tr_sim_random() % 3) {
    case 0:
        read_statement(c);
        break;
    case 1:
        customer_must_find_books_right(c);
        break;
    default:
        tr_http_reply_free(look(c, paths[tr_sim_random() % 4]));
    }
}

/* ---- a customer ---- */

static void log_in(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    struct credentials me = { (char[]){ "demo" }, (char[]){ "demo" } };
    struct session s;
    int status =
        ask(c, &reply,
            &(tr_http_call){ .url = "/login", .json = &tr_declared_credentials, .value = &me });

    if (status > 0 && status < 500 && status != 200)
        refuse_answer(reply);
    if (status == 200 && PARSES(c, reply, session, &s))
        (void)snprintf(c->token, sizeof(c->token), "%s", s.token);
}

static void open_purse(customer *c)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    char owner[32];
    struct wish w = { owner, PURSE_CENTS };
    struct account a;
    int status;

    (void)snprintf(owner, sizeof(owner), "customer %d", c->number);
    status = ask(c, &reply,
                 &(tr_http_call){ .url = "/accounts", .json = &tr_declared_wish, .value = &w });
    if (status > 0 && status < 500 && status != 201)
        refuse_answer(reply);
    if (status != 201 || !PARSES(c, reply, account, &a))
        return;
    MUST(strcmp(a.owner, owner) == 0 && a.cents == PURSE_CENTS);
    books_open(c->number, a.id, owner);
}

static void take_a_step(customer *c)
{
    if (c->token[0] == 0)
        log_in(c);
    else if (books_purse(c->number) == 0)
        open_purse(c);
    else if (chance(2))
        move_money(c);
    else if (chance(3))
        ask_again(c);
    else if (chance(3))
        ask_badly(c);
    else if (chance(2))
        look_into_purse(c);
    else
        look_around(c);
}

void customer_ask(customer *c)
{
    while (!c->weather->is_over) {
        take_a_step(c);
        (void)tr_sleep((double)dice(1, 300) / 1000);
    }
}

void customer_insist(customer *c, double patience)
{
    const double end = tr_sim_now() + patience;
    order *o = books_order(c->number);
    outcome result = NOT_DONE;

    MUST(o != NULL);
    o->from = 1 + dice(0, 1);
    o->to = 3;
    o->cents = 1;
    o->memo = "";
    while (result != DONE) {
        if (c->token[0] == 0)
            log_in(c);
        else
            result = try_order(c, o);
        MUST(tr_sim_now() < end); /* it goes on by itself */
        (void)tr_sleep(result == DONE ? 0 : 0.5);
    }
}
