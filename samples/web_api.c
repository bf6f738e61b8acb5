/* web_api: items in a database, by HTTP: list, get, create, change, delete.
 *
 * The shape of FastAPI's tutorial with an SQL database. A struct is declared once: what comes is
 * checked against it, what goes out is written by it, rows are read into it, and /docs shows it. A
 * handler returns the database's own error, which is answered with its status: no such row 404, a
 * name that is taken 409, a disk that is full 503. A body that is wrong was answered with 422
 * before. A change is answered when it is on disk.
 *
 *   Build:   cc web_api.c $(pkg-config --cflags --libs troupe-net troupe-db)
 *   Run:     ./web_api 127.0.0.1:8080 items.db     then open http://127.0.0.1:8080/docs
 *   Prints:  listening on 127.0.0.1:8080 */
#include <errno.h>
#include <stdio.h>
#include <troupe/db.h>
#include <troupe/net.h>

static const char *file = "items.db";
static const tr_db_migration schema[] = {
    { .name = "items",
      .sql = "create table items (id integer primary key autoincrement," /* never given twice */
             " name text not null unique, about text, price real not null);" },
    { 0 }
};

struct item {
    int64_t id;
    char *name, *about;
    double price;
};
struct draft {
    char *name, *about;
    double price;
};
struct patch {
    char *name, *about;
    double price;
    bool has_about, has_price;
};
struct page {
    struct item *items;
    size_t items_count;
};

TR_DECLARE(item, TR_INTEGER(item, id, .required = true), TR_TEXT(item, name, .required = true),
           TR_TEXT(item, about), TR_NUMBER(item, price, .required = true));
TR_DECLARE_STRICT(draft, TR_TEXT(draft, name, .required = true, .min_length = 1, .max_length = 80),
                  TR_TEXT(draft, about, .nullable = true),
                  TR_NUMBER(draft, price, .required = true, TR_AT_LEAST(0)));
TR_DECLARE_STRICT(patch, TR_TEXT(patch, name, .min_length = 1, .max_length = 80),
                  TR_TEXT(patch, about, .nullable = true, TR_SENT(patch, has_about)),
                  TR_NUMBER(patch, price, TR_AT_LEAST(0), TR_HAS(patch, has_price)));
TR_DECLARE(page, TR_ITEMS(page, items, item));

/* Answer with the row that a statement gave, if it did. */
static int answer_item(tr_http_response *res, int status, int rc, tr_db_rows *rows)
{
    struct item item;

    if (rc == 0)
        rc = tr_db_row(rows, item, &item);
    return rc < 0 ? rc : tr_http_answer(res, status, &tr_declared_item, &item);
}

static int list_items(tr_http_request *req, tr_http_response *res, void *db)
{
    const char *name = tr_http_query(req, "name");
    tr_db_rows *rows tr_cleanup_rows = NULL; /* closed however this ends */
    struct page page = { 0 };
    int64_t limit = 20, after = 0;
    int rc;

    if (((rc = tr_http_query_int(req, "limit", &limit)) < 0 && rc != TR_ENOENT) ||
        ((rc = tr_http_query_int(req, "after", &after)) < 0 && rc != TR_ENOENT))
        return rc; /* 400 */
    if (limit < 1 || limit > 100)
        return tr_http_problem(res, 422, "limit is from 1 to 100");
    rc = tr_db_query(&rows, db,
                     "select * from items where id > ? and instr(name, ?) order by id limit ?",
                     after, name != NULL ? name : "", limit);
    if (rc == 0)
        rc = tr_db_all(rows, item, &page.items, &page.items_count);
    return rc < 0 ? rc : tr_http_answer(res, 200, &tr_declared_page, &page);
}

static int get_item(tr_http_request *req, tr_http_response *res, void *db)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int64_t id;
    int rc = tr_http_param_int(req, "id", &id);

    if (rc == 0)
        rc = tr_db_one(&rows, db, "select * from items where id = ?", id);
    return answer_item(res, 200, rc, rows);
}

static int create_item(tr_http_request *req, tr_http_response *res, void *db)
{
    const struct draft *new = tr_http_body_as(req);
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int rc =
        tr_db_one(&rows, db, "insert into items (name, about, price) values (?, ?, ?) returning *",
                  new->name, new->about, new->price);

    return answer_item(res, 201, rc, rows);
}

static int change_item(tr_http_request *req, tr_http_response *res, void *db)
{
    const struct patch *new = tr_http_body_as(req); /* what was not sent stays as it is */
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int64_t id;
    int rc = tr_http_param_int(req, "id", &id);

    if (rc == 0)
        rc = tr_db_one(&rows, db,
                       "update items set name = coalesce(?, name), about = iif(?, ?, about),"
                       " price = iif(?, ?, price) where id = ? returning *",
                       new->name, new->has_about, new->about, new->has_price, new->price, id);
    return answer_item(res, 200, rc, rows);
}

static int delete_item(tr_http_request *req, tr_http_response *res, void *db)
{
    int64_t id;
    int rc = tr_http_param_int(req, "id", &id);

    if (rc == 0)
        rc = tr_db_exec(db, "delete from items where id = ?", id);
    return rc > 0 ? tr_http_status(res, 204) : rc == 0 ? TR_ENOENT : rc; /* how many there were */
}

static void add_routes(tr_http_server *srv, tr_db *db)
{
    static const tr_http_parameter query[] = {
        { "name", "A part of it", TR_FIELD_TEXT, false },
        { "limit", "1 to 100 items; default 20", TR_FIELD_INTEGER, false },
        { "after", "The last id of the page before", TR_FIELD_INTEGER, false },
        { 0 }
    };
    const tr_http_route_options lists = { .answer = &tr_declared_page, .query = query };
    const tr_http_route_options gets = { .answer = &tr_declared_item };
    const tr_http_route_options posts = { .body = &tr_declared_draft, .answer = &tr_declared_item };
    const tr_http_route_options patch = { .body = &tr_declared_patch, .answer = &tr_declared_item };

    tr_http_route_with(srv, "GET", "/items", list_items, db, &lists);
    tr_http_route_with(srv, "POST", "/items", create_item, db, &posts);
    tr_http_route_with(srv, "GET", "/items/:id", get_item, db, &gets);
    tr_http_route_with(srv, "PATCH", "/items/:id", change_item, db, &patch);
    tr_http_route(srv, "DELETE", "/items/:id", delete_item, db);
}

static int tell(void *srv)
{
    int rc = tr_http_await_ready(srv);

    if (rc == 0 && (printf("listening on %s\n", tr_http_address(srv)) < 0 || fflush(stdout) != 0))
        rc = -errno;
    return rc;
}

static int serve(void *address)
{
    tr_http_server *srv = NULL;
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = file, .migrations = schema });

    if (rc == 0)
        rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = address, .title = "Items" });
    if (rc == 0) {
        add_routes(srv, db);
        tr_task_spawn(NULL, tell, srv);
        rc = tr_http_serve(srv); /* until SIGTERM; then what has begun is answered */
    }
    (void)tr_db_close(db); /* nobody holds rows of it any more */
    return rc == TR_ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        file = argv[2];
    return tr_main(argc, argv, serve, argc > 1 ? argv[1] : "127.0.0.1:8080", NULL);
}
