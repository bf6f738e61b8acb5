/* See routes.h. */
#include "routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"

enum { PAGE_MOST = 1000, PAGE = 100, STATEMENT_PAGE = 200 };
#define READY_SECONDS 2.0

struct account {
    int64_t id;
    char *owner;
    int64_t cents;
};
TR_DECLARE(account, TR_INTEGER(account, id), TR_TEXT(account, owner), TR_INTEGER(account, cents));

struct new_account {
    char *owner;
    int64_t cents;
};
TR_DECLARE(new_account,
           TR_TEXT(new_account, owner, .required = true, .min_length = 1, .max_length = OWNER_MOST),
           TR_INTEGER(new_account, cents, TR_AT_LEAST(0), TR_AT_MOST(SUPPLY),
                      .about = "that it begins with; they come from the treasury"));

struct account_list {
    int64_t last; /* posting that these balances know of, at least */
    struct account *accounts;
    size_t accounts_count;
};
TR_DECLARE(account_list, TR_INTEGER(account_list, last, .about = "follow /events?after= from here"),
           TR_ITEMS(account_list, accounts, account));

TR_DECLARE(audit, TR_BOOLEAN(audit, holds), TR_INTEGER(audit, accounts),
           TR_INTEGER(audit, transfers), TR_INTEGER(audit, total), TR_INTEGER(audit, supply),
           TR_INTEGER(audit, wrong_balances), TR_INTEGER(audit, wrong_transfers));

/* ---- accounts ---- */

static int post_account(tr_http_request *req, tr_http_response *res, void *arg)
{
    struct routes *r = arg;
    const struct new_account *asked = tr_http_body_as(req);
    struct opening o = { .deposit = { .cents = asked->cents, .memo = "opening" } };
    struct account account = { .owner = asked->owner, .cents = asked->cents };
    char place[40];
    int rc;

    (void)snprintf(o.owner, sizeof(o.owner), "%s", asked->owner);
    rc = transfers_write(&r->transfers, store_open_account, &o, sizeof(o),
                         offsetof(struct opening, deposit));
    if (rc == TR_ENOENT)
        return tr_http_problem(res, 409, "The treasury has less than %" PRId64 " cents.",
                               asked->cents);
    if (rc < 0)
        return failure_answer(res, rc);
    account.id = o.id;
    (void)snprintf(place, sizeof(place), "/accounts/%" PRId64, o.id);
    rc = tr_http_set_header(res, "Location", place);
    return rc < 0 ? rc : tr_http_answer(res, 201, &tr_declared_account, &account);
}

/* The account that the path names; or the answer that was given instead. */
static int find_account(const struct routes *r, tr_http_request *req, tr_http_response *res,
                        int64_t *id, struct account_state *state)
{
    int rc;

    *state = (struct account_state){ 0 };
    if (tr_http_param_int(req, "id", id) < 0 || *id < 0)
        return failure_number(res, "The account in the path", 0, INT64_MAX);
    rc = accounts_get(r->accounts, *id, r->patience, state);
    if (rc == TR_ENOENT)
        return tr_http_problem(res, 404, "There is no account %" PRId64 ".", *id);
    return rc < 0 ? failure_answer(res, rc) : 0;
}

/* Whether there is an answer already, or none is to come. */
static bool is_over(int rc, const tr_http_response *res)
{
    return rc < 0 || tr_http_answer_status(res) != 0;
}

static int get_account(tr_http_request *req, tr_http_response *res, void *arg)
{
    struct account_state state;
    struct account account;
    int rc = find_account(arg, req, res, &account.id, &state);

    if (is_over(rc, res))
        return rc;
    account.owner = state.owner.name;
    account.cents = state.cents;
    return tr_http_answer(res, 200, &tr_declared_account, &account);
}

/* An optional number of the query; or the answer that was given instead. */
static int read_query(tr_http_request *req, tr_http_response *res, const char *name, int64_t least,
                      int64_t most, int64_t *value)
{
    int rc = tr_http_query_int(req, name, value);

    if (rc == TR_ENOENT)
        return 0;
    return rc < 0 || *value < least || *value > most ? failure_number(res, name, least, most) : 0;
}

static int list_accounts(struct routes *r, int64_t after, int64_t limit, tr_http_response *res)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    struct account_list list = { 0 };
    int64_t transfer;
    int rc = store_last_transfer(r->db, &transfer); /* before: what is newer is told again */

    list.last = 2 * transfer;
    TR_DEADLINE(r->patience, &rc) {
        if (rc == 0)
            rc = tr_db_query(
                &rows, r->db,
                "select id, owner, cents from accounts where id > ? order by id limit ?", after,
                limit);
        if (rc == 0)
            rc = tr_db_all(rows, account, &list.accounts, &list.accounts_count);
    }
    return rc < 0 ? failure_answer(res, rc)
                  : tr_http_answer(res, 200, &tr_declared_account_list, &list);
}

static int get_accounts(tr_http_request *req, tr_http_response *res, void *arg)
{
    int64_t after = 0, limit = PAGE;
    int rc = read_query(req, res, "after", 0, INT64_MAX, &after);

    if (!is_over(rc, res))
        rc = read_query(req, res, "limit", 1, PAGE_MOST, &limit);
    return is_over(rc, res) ? rc : list_accounts(arg, after, limit, res);
}

/* ---- the statement ---- */

enum { LINE_BYTES = 256 + MEMO_MOST * 6 }; /* of a posting; a character of its memo may be \u001f */

static size_t write_json(const struct posting *p, char line[LINE_BYTES])
{
    ssize_t bytes = tr_declared_write(posting, p, line, LINE_BYTES - 1);

    if (bytes < 0 || bytes >= LINE_BYTES - 1)
        return 0; /* its memo has at most so many characters */
    line[bytes] = '\n';
    return (size_t)bytes + 1;
}

/* RFC 4180: a quote within quotes is two. */
static size_t write_csv(const struct posting *p, char line[LINE_BYTES])
{
    int bytes = snprintf(line, LINE_BYTES, "%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",\"",
                         p->id, p->transfer, p->at, p->cents, p->balance);
    size_t at = (size_t)bytes;

    for (const char *c = p->memo; *c != 0 && at < LINE_BYTES - 5; c++) {
        if (*c == '"')
            line[at++] = '"';
        line[at++] = *c;
    }
    for (const char *c = "\"\r\n"; *c != 0; c++)
        line[at++] = *c;
    return at;
}

struct statement {
    tr_db *db;
    tr_http_response *res;
    int64_t account;
    int64_t last;
    bool is_csv;
};

/* Some of it: 1; 0 at the end. Postings are only ever added, so page by page gives what one long
 * query would; but that would keep a connection to the database for as long as the client likes to
 * read. */
static int send_page(struct statement *s)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    struct posting *list;
    char line[LINE_BYTES];
    size_t count;
    int rc = store_postings(s->db, s->last, s->account, STATEMENT_PAGE, &rows, &list, &count);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t bytes = s->is_csv ? write_csv(&list[i], line) : write_json(&list[i], line);

        rc = tr_http_write(s->res, line, bytes);
        s->last = list[i].id;
    }
    return rc < 0 ? rc : count == STATEMENT_PAGE;
}

static int send_statement(struct statement *s)
{
    static const char header[] = "id,transfer,at,cents,balance,memo\r\n";
    int rc = tr_http_add_header(s->res, "Vary", "Accept");

    if (rc == 0)
        rc = tr_http_begin(
            s->res, 200,
            s->is_csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson", -1);
    if (rc == 0 && s->is_csv)
        rc = tr_http_write(s->res, header, sizeof(header) - 1);
    if (rc == 0)
        do
            rc = send_page(s);
        while (rc > 0);
    return rc;
}

static int get_statement(tr_http_request *req, tr_http_response *res, void *arg)
{
    static const char *const types[] = { "application/x-ndjson", "text/csv" };
    const struct routes *r = arg;
    struct statement s = { .db = r->db, .res = res };
    int type = tr_http_accepts(req, types, 2);
    struct account_state state;
    int rc = read_query(req, res, "after", 0, INT64_MAX, &s.last);

    if (is_over(rc, res))
        return rc;
    if (type < 0)
        return tr_http_problem(res, 406, "It is %s or %s.", types[0], types[1]);
    s.is_csv = type == 1;
    rc = find_account(r, req, res, &s.account, &state);
    if (is_over(rc, res))
        return rc;
    rc = send_statement(&s);
    return rc < 0 ? failure_answer(res, rc) : rc; /* as far as nothing of it has gone out */
}

/* ---- how it is doing ---- */

static int get_audit(tr_http_request *req, tr_http_response *res, void *arg)
{
    const struct routes *r = arg;
    struct audit audit;
    int rc = store_audit(r->db, &audit);

    (void)req;
    return rc < 0 ? failure_answer(res, rc)
                  : tr_http_answer(res, audit.holds ? 200 : 500, &tr_declared_audit, &audit);
}

static int get_metrics(tr_http_request *req, tr_http_response *res, void *arg)
{
    const struct routes *r = arg;

    (void)req;
    return metrics_answer(r->metrics, r->db, tr_room_size(r->feed->room), res);
}

/* It reads from the database within some seconds. */
static int is_ready(void *arg)
{
    const struct routes *r = arg;
    int64_t transfer;
    int rc = 0;

    TR_DEADLINE(READY_SECONDS, &rc) {
        rc = store_last_transfer(r->db, &transfer);
    }
    return rc;
}

static void add_statement(struct routes *r, tr_http_server *srv)
{
    static const tr_http_parameter query[] = {
        { "after", "A posting: those behind it", TR_FIELD_INTEGER, false }, { 0 }
    };

    tr_http_route_with(
        srv, "GET", "/accounts/:id/statement", get_statement, r,
        &(tr_http_route_options){ .summary = "All its postings, as lines of JSON, or as CSV",
                                  .tag = "accounts",
                                  .query = query });
}

void routes_add(struct routes *r, tr_http_server *srv)
{
    static const tr_http_parameter page[] = {
        { "after", "An account: those behind it", TR_FIELD_INTEGER, false },
        { "limit", "How many: 1 to 1000, or 100", TR_FIELD_INTEGER, false },
        { 0 }
    };

    tr_http_route_with(srv, "POST", "/accounts", post_account, r,
                       &(tr_http_route_options){ .body = &tr_declared_new_account,
                                                 .answer = &tr_declared_account,
                                                 .summary = "Open an account",
                                                 .tag = "accounts" });
    tr_http_route_with(srv, "GET", "/accounts", get_accounts, r,
                       &(tr_http_route_options){ .answer = &tr_declared_account_list,
                                                 .summary = "Accounts, a page at a time",
                                                 .tag = "accounts",
                                                 .query = page });
    tr_http_route_with(srv, "GET", "/accounts/:id", get_account, r,
                       &(tr_http_route_options){ .answer = &tr_declared_account,
                                                 .summary = "What it has",
                                                 .tag = "accounts" });
    add_statement(r, srv);
    transfers_routes(&r->transfers, srv);
    tr_http_route_with(srv, "GET", "/audit", get_audit, r,
                       &(tr_http_route_options){ .answer = &tr_declared_audit,
                                                 .summary = "Is all the money there?",
                                                 .tag = "health" });
    tr_http_route_with(
        srv, "GET", "/metrics", get_metrics, r,
        &(tr_http_route_options){ .summary = "Figures, for Prometheus", .tag = "health" });
    tr_http_health(srv, is_ready, r);
    feed_routes(r->feed, srv);
}
