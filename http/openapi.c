/* What a server offers, as an OpenAPI 3.1 document: paths and operations. */
#include "http/openapi.h"

#include "http/schema.h"

/* ---- parameters ---- */

static bool is_name_end(char c)
{
    return c == '\0' || c == '/' || c == '.' || c == '-' || c == '~';
}

/* The parameter of a pattern that begins at or behind *at: its name, and *at behind it. NULL: there
 * is none. */
static const char *next_parameter(const char **at, size_t *bytes)
{
    const char *name = *at + strcspn(*at, ":*");

    if (*name == '\0')
        return NULL;
    name++;
    for (*bytes = 0; !is_name_end(name[*bytes]); ++*bytes)
        ;
    *at = name + *bytes;
    return name;
}

/* A pattern as OpenAPI has it: {id} for :id and *id. */
static void write_path(tr__api_out *o, const char *pattern)
{
    const char *before = pattern;
    const char *at = pattern;
    const char *name;
    size_t bytes;

    tr__api_name_begin(o);
    while ((name = next_parameter(&at, &bytes)) != NULL) {
        tr__out_escaped(o->out, before, (size_t)(name - 1 - before));
        tr__out_character(o->out, '{');
        tr__out_escaped(o->out, name, bytes);
        tr__out_character(o->out, '}');
        before = at;
    }
    tr__out_escaped(o->out, before, strlen(before));
    tr__api_name_end(o);
}

static const tr__api_parameter *described(const tr__api_route *route, const char *name,
                                          size_t bytes)
{
    for (size_t i = 0; i < route->parameter_count; i++) {
        const tr__api_parameter *parameter = &route->parameters[i];

        if (!parameter->is_in_query && strlen(parameter->name) == bytes &&
            memcmp(parameter->name, name, bytes) == 0)
            return parameter;
    }
    return NULL;
}

static void write_parameter(tr__api_out *o, const tr__api_parameter *parameter, const char *name,
                            size_t bytes, bool is_in_query)
{
    tr__api_open(o, '{');
    tr__api_name(o, "name");
    tr__api_string_of(o, name, bytes);
    tr__api_member(o, "in", is_in_query ? "query" : "path");
    if (parameter != NULL)
        tr__api_member(o, "description", parameter->about);
    tr__api_name(o, "required");
    tr__api_boolean(o, !is_in_query || parameter->required);
    tr__api_name(o, "schema");
    tr__api_open(o, '{');
    tr__api_member(o, "type", tr__api_type(parameter == NULL ? TR_FIELD_TEXT : parameter->kind));
    tr__api_close(o, '}');
    tr__api_close(o, '}');
}

static void write_parameters(tr__api_out *o, const tr__api_route *route)
{
    const char *at = route->pattern;
    const char *name;
    size_t bytes;

    tr__api_name(o, "parameters");
    tr__api_open(o, '[');
    while ((name = next_parameter(&at, &bytes)) != NULL)
        write_parameter(o, described(route, name, bytes), name, bytes, false);
    for (size_t i = 0; i < route->parameter_count; i++) {
        const tr__api_parameter *parameter = &route->parameters[i];

        if (parameter->is_in_query)
            write_parameter(o, parameter, parameter->name, strlen(parameter->name), true);
    }
    tr__api_close(o, ']');
}

/* ---- bodies and answers ---- */

static void write_content(tr__api_out *o, const char *media, const tr_declaration *body)
{
    tr__api_name(o, "content");
    tr__api_open(o, '{');
    tr__api_name(o, media);
    tr__api_open(o, '{');
    tr__api_name(o, "schema");
    if (body != NULL)
        tr__api_reference(o, body);
    else
        tr__api_reference_to_problem(o);
    tr__api_close(o, '}');
    tr__api_close(o, '}');
}

static void write_answer(tr__api_out *o, int status, const char *about, const tr_declaration *body)
{
    char number[24];
    size_t bytes = tr__integer_write(status, number);

    tr__api_name_of(o, number, bytes);
    tr__api_open(o, '{');
    tr__api_member(o, "description", about != NULL ? about : "The answer");
    if (body != NULL)
        write_content(o, "application/json", body);
    tr__api_close(o, '}');
}

static bool has_status(const tr__api_route *route, int status)
{
    for (size_t i = 0; i < route->status_count; i++) {
        if (route->statuses[i].status == status)
            return true;
    }
    return false;
}

static void write_answers(tr__api_out *o, const tr__api_route *route)
{
    int status = route->status > 0 ? route->status : 200;

    tr__api_name(o, "responses");
    tr__api_open(o, '{');
    if (!has_status(route, status))
        write_answer(o, status, NULL, route->answer);
    for (size_t i = 0; i < route->status_count; i++) {
        const tr__api_status *other = &route->statuses[i];

        write_answer(o, other->status, other->about,
                     other->body == NULL && other->status == status ? route->answer : other->body);
    }
    if (route->request != NULL && !has_status(route, 422)) {
        tr__api_name(o, "422");
        tr__api_open(o, '{');
        tr__api_member(o, "description", "The body is not as declared: what is wrong, and where");
        write_content(o, "application/problem+json", NULL);
        tr__api_close(o, '}');
    }
    tr__api_close(o, '}');
}

static void write_body(tr__api_out *o, const tr_declaration *request)
{
    tr__api_name(o, "requestBody");
    tr__api_open(o, '{');
    tr__api_name(o, "required");
    tr__api_boolean(o, true);
    write_content(o, "application/json", request);
    tr__api_close(o, '}');
}

/* ---- operations ---- */

static void write_method(tr__api_out *o, const char *method)
{
    char name[16];
    size_t bytes = 0;

    for (; method[bytes] != '\0' && bytes < sizeof(name); bytes++)
        name[bytes] = (char)(method[bytes] | 32); /* methods are letters */
    tr__api_name_of(o, name, bytes);
}

static void write_operation(tr__api_out *o, const tr__api_route *route)
{
    write_method(o, route->method);
    tr__api_open(o, '{');
    if (route->tag != NULL) {
        tr__api_name(o, "tags");
        tr__api_open(o, '[');
        tr__api_string(o, route->tag);
        tr__api_close(o, ']');
    }
    tr__api_member(o, "summary", route->summary);
    tr__api_member(o, "description", route->about);
    write_parameters(o, route);
    if (route->request != NULL)
        write_body(o, route->request);
    write_answers(o, route);
    tr__api_close(o, '}');
}

/* OpenAPI has operations of these only. */
static bool is_known(const char *method)
{
    static const char *const known[] = { "GET",     "PUT",  "POST",  "DELETE",
                                         "OPTIONS", "HEAD", "PATCH", "TRACE" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i]) == 0)
            return true;
    }
    return false;
}

/* Whether a route of this path stands before. */
static bool is_repeated(const tr__api *api, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (is_known(api->routes[i].method) &&
            strcmp(api->routes[i].pattern, api->routes[at].pattern) == 0)
            return true;
    }
    return false;
}

/* The first route of a path and method is the one that is served. */
static bool is_hidden(const tr__api *api, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(api->routes[i].pattern, api->routes[at].pattern) == 0 &&
            strcmp(api->routes[i].method, api->routes[at].method) == 0)
            return true;
    }
    return !is_known(api->routes[at].method);
}

static void write_paths(tr__api_out *o, const tr__api *api)
{
    tr__api_name(o, "paths");
    tr__api_open(o, '{');
    for (size_t i = 0; i < api->route_count; i++) {
        const char *pattern = api->routes[i].pattern;

        if (!is_known(api->routes[i].method) || is_repeated(api, i))
            continue;
        write_path(o, pattern);
        tr__api_open(o, '{');
        for (size_t k = i; k < api->route_count; k++) {
            if (strcmp(api->routes[k].pattern, pattern) == 0 && !is_hidden(api, k))
                write_operation(o, &api->routes[k]);
        }
        tr__api_close(o, '}');
    }
    tr__api_close(o, '}');
}

static int collect(tr__walk *walk, const tr__api *api)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < api->route_count; i++) {
        const tr__api_route *route = &api->routes[i];

        rc = tr__walk_add(walk, route->request);
        if (rc == 0)
            rc = tr__walk_add(walk, route->answer);
        for (size_t k = 0; rc == 0 && k < route->status_count; k++)
            rc = tr__walk_add(walk, route->statuses[k].body);
    }
    return rc;
}

static void write_document(tr__api_out *o, const tr__api *api)
{
    tr__api_open(o, '{');
    tr__api_member(o, "openapi", "3.1.0");
    tr__api_name(o, "info");
    tr__api_open(o, '{');
    tr__api_member(o, "title", api->title);
    tr__api_member(o, "version", api->version);
    tr__api_member(o, "description", api->about);
    tr__api_close(o, '}');
    write_paths(o, api);
    tr__api_name(o, "components");
    tr__api_open(o, '{');
    tr__api_schemas(o);
    tr__api_close(o, '}');
    tr__api_close(o, '}');
}

int tr__openapi_write(const tr__api *api, tr__json_out *out)
{
    tr__arena arena = { 0 };
    tr__walk walk = { .arena = &arena };
    tr__api_out o = { .out = out, .walk = &walk };
    int rc = collect(&walk, api);

    if (rc == 0)
        write_document(&o, api);
    tr__arena_fini(&arena);
    return rc;
}
