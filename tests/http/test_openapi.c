/* The OpenAPI document, and the answer to a body that is not as declared: read back by jansson. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/seam.h"
#include "http/openapi.h"
#include "http/order.h"
#include "http/problem_document.h"
#include "support/kit.h"

struct problem {
    char *text;
};
TR_DECLARE(problem, TR_TEXT(problem, text));

static const tr__api_parameter parameters[] = {
    { .name = "id", .about = "its number", .kind = TR_FIELD_INTEGER },
    { .name = "limit", .kind = TR_FIELD_INTEGER, .is_in_query = true },
};
static const tr__api_status statuses[] = {
    { 404, "There is no such order", NULL },
    { 409, "It is already there", &tr_declared_problem },
};
static const tr__api_route routes[] = {
    { .method = "POST",
      .pattern = "/orders",
      .summary = "Make an \"order\"",
      .tag = "orders",
      .request = &tr_declared_order,
      .answer = &tr_declared_order,
      .status = 201,
      .statuses = statuses,
      .status_count = 2 },
    { .method = "GET",
      .pattern = "/orders/:id/labels/:label",
      .tag = "orders",
      .answer = &tr_declared_label,
      .parameters = parameters,
      .parameter_count = 2 },
    { .method = "GET", .pattern = "/orders" },
    { .method = "GET", .pattern = "/orders", .summary = "never reached" },
    { .method = "GET", .pattern = "/files/*path" },
    { .method = "BREW", .pattern = "/pot" },
};
static const tr__api api = { .title = "Shop",
                             .version = "1.0",
                             .routes = routes,
                             .route_count = sizeof(routes) / sizeof(routes[0]) };

/* The document, and its text, which is the caller's to free. */
static json_t *document(char **text)
{
    tr__json_out out;
    json_error_t error;
    json_t *json;
    size_t bytes;

    tr__out_init(&out, NULL, 0);
    ck_assert_int_eq(tr__openapi_write(&api, &out), 0);
    bytes = out.bytes;
    *text = malloc(bytes + 1);
    tr__out_init(&out, *text, bytes);
    ck_assert_int_eq(tr__openapi_write(&api, &out), 0);
    ck_assert_uint_eq(out.bytes, bytes);
    (*text)[bytes] = '\0';
    json = json_loads(*text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s at %d in %s", error.text, error.position, *text);
    return json;
}

/* The value at a path of names that are separated by spaces; digits index lists. */
static const json_t *at(const json_t *json, const char *path)
{
    char name[100];
    int bytes;

    for (; json != NULL && sscanf(path, " %99s%n", name, &bytes) == 1; path += bytes)
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name))
                                   : json_object_get(json, name);
    return json;
}

static void expect_text(const json_t *json, const char *path, const char *wanted)
{
    const char *text = json_string_value(at(json, path));

    ck_assert_msg(text != NULL && strcmp(text, wanted) == 0, "%s is %s", path,
                  text == NULL ? "none" : text);
}

static void expect_integer(const json_t *json, const char *path, json_int_t wanted)
{
    ck_assert_msg(json_is_integer(at(json, path)), "%s is no integer", path);
    ck_assert_int_eq(json_integer_value(at(json, path)), wanted);
}

START_TEST(operations_stand_below_their_paths)
{
    char *text;
    json_t *json = document(&text);

    expect_text(json, "openapi", "3.1.0");
    expect_text(json, "info title", "Shop");
    ck_assert_uint_eq(json_object_size(at(json, "paths")), 3);
    expect_text(json, "paths /orders post summary", "Make an \"order\"");
    ck_assert_ptr_nonnull(at(json, "paths /orders get"));
    ck_assert_ptr_null(at(json, "paths /orders get summary"));
    expect_text(json, "paths /files/{path} get parameters 0 name", "path");
    expect_text(json, "paths /orders/{id}/labels/{label} get parameters 0 schema type", "integer");
    expect_text(json, "paths /orders/{id}/labels/{label} get parameters 1 schema type", "string");
    expect_text(json, "paths /orders/{id}/labels/{label} get parameters 2 in", "query");
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(bodies_and_answers_refer_to_schemas)
{
    char *text;
    json_t *json = document(&text);

    expect_text(json, "paths /orders post requestBody content application/json schema $ref",
                "#/components/schemas/order");
    expect_text(json, "paths /orders post responses 201 content application/json schema $ref",
                "#/components/schemas/order");
    expect_text(json, "paths /orders post responses 404 description", "There is no such order");
    expect_text(json, "paths /orders post responses 409 content application/json schema $ref",
                "#/components/schemas/problem2");
    expect_text(json,
                "paths /orders post responses 422 content application/problem+json schema $ref",
                "#/components/schemas/problem");
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(each_rule_of_a_field_is_published)
{
    char *text;
    json_t *json = document(&text);
    const json_t *order = at(json, "components schemas order properties");

    ck_assert_uint_eq(json_object_size(at(json, "components schemas")), 5);
    expect_text(order, "name pattern", "^[A-Za-z ]+$");
    expect_text(order, "name description", "what it is called");
    expect_integer(order, "name minLength", 1);
    expect_integer(order, "name maxLength", 10);
    expect_integer(order, "price exclusiveMinimum", 0);
    expect_integer(order, "quantity minimum", 1);
    expect_integer(order, "quantity maximum", 1000);
    expect_integer(order, "quantity default", 7);
    ck_assert(json_is_true(at(order, "on-sale/~ default")));
    expect_integer(order, "labels maxItems", 3);
    expect_text(order, "labels items $ref", "#/components/schemas/label");
    expect_text(order, "parts items $ref", "#/components/schemas/order");
    expect_text(order, "ship_to allOf 0 $ref", "#/components/schemas/address");
    expect_integer(order, "words minItems", 1);
    expect_integer(order, "words items maxLength", 3);
    expect_integer(order, "sizes items exclusiveMaximum", 100);
    expect_text(order, "email format", "email");
    expect_text(order, "colour enum 2", "blue");
    expect_text(order, "colour default", "red");
    expect_text(order, "note type 1", "null");
    ck_assert_double_eq(json_real_value(at(order, "discount default")), 0.5);
    expect_integer(order, "port maximum", 65535);
    expect_integer(order, "level minimum", -128);
    expect_text(json, "components schemas order required 1", "price");
    ck_assert(json_is_false(at(json, "components schemas label additionalProperties")));
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(without_memory_there_is_no_document)
{
    tr__json_out out;

    tr__out_init(&out, NULL, 0);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr__openapi_write(&api, &out), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
}
END_TEST

/* For a validator, which is no part of this: TROUPE_OPENAPI=FILE. */
START_TEST(the_document_is_written_where_it_is_asked_for)
{
    const char *path = getenv("TROUPE_OPENAPI");
    char *text;
    json_t *json = document(&text);

    if (path != NULL)
        ck_assert_int_eq(json_dump_file(json, path, JSON_INDENT(2)), 0);
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(a_problem_document_lists_what_is_wrong)
{
    tr__problems problems = { .count = 1, .more = 2 };
    char text[1024];
    tr__json_out out;
    json_t *json;

    problems.list[0] = (tr_problem){ "/a\"", "must be b", "type", 3, 4 };
    tr__out_init(&out, text, sizeof(text));
    tr__problem_write(TR_EVALUE, &problems, &out);
    json = json_loadb(text, out.bytes, 0, NULL);
    expect_integer(json, "status", 422);
    expect_text(json, "errors 0 where", "/a\"");
    expect_integer(json, "errors 0 column", 4);
    expect_integer(json, "more_errors", 2);
    json_decref(json);
    ck_assert_int_eq(tr__problem_status(TR_ESYNTAX), 400);
    ck_assert_int_eq(tr__problem_status(TR_ETOOLARGE), 413);
    ck_assert_int_eq(tr__problem_status(TR_ENOMEM), 500);
    for (int i = 0; i < 3; i++) {
        tr__out_init(&out, NULL, 0);
        tr__problem_write((int[]){ TR_ESYNTAX, TR_ETOOLARGE, TR_ENOMEM }[i], &problems, &out);
        ck_assert_uint_gt(out.bytes, 0);
    }
}
END_TEST

KIT_MAIN("http/openapi", operations_stand_below_their_paths, bodies_and_answers_refer_to_schemas,
         each_rule_of_a_field_is_published, without_memory_there_is_no_document,
         the_document_is_written_where_it_is_asked_for, a_problem_document_lists_what_is_wrong)
