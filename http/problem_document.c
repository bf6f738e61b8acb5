/* The answer to a body that is not as declared. */
#include "http/problem_document.h"

#include "http/schema.h"

int tr__problem_status(int rc)
{
    switch (rc) {
    case TR_EVALUE:
        return 422;
    case TR_ESYNTAX:
        return 400;
    case TR_ETOOLARGE:
        return 413;
    default:
        return 500;
    }
}

static const char *title_of(int rc)
{
    switch (rc) {
    case TR_EVALUE:
        return "The body is not as declared";
    case TR_ESYNTAX:
        return "The body is no JSON";
    case TR_ETOOLARGE:
        return "The body is too large";
    default:
        return "The body could not be read";
    }
}

static void write_count(tr__api_out *o, const char *name, size_t value)
{
    tr__api_name(o, name);
    tr__out_integer(o->out, (int64_t)value);
    o->is_behind = true;
}

static void write_problem(tr__api_out *o, const tr_problem *problem)
{
    tr__api_open(o, '{');
    tr__api_member(o, "where", problem->where);
    tr__api_member(o, "what", problem->what);
    tr__api_member(o, "kind", problem->kind);
    write_count(o, "line", problem->line);
    write_count(o, "column", problem->column);
    tr__api_close(o, '}');
}

void tr__problem_write(int rc, const tr__problems *problems, tr__json_out *out)
{
    tr__api_out o = { .out = out };

    tr__api_open(&o, '{');
    tr__api_member(&o, "type", "about:blank");
    tr__api_member(&o, "title", title_of(rc));
    write_count(&o, "status", (size_t)tr__problem_status(rc));
    tr__api_name(&o, "errors");
    tr__api_open(&o, '[');
    for (size_t i = 0; i < problems->count; i++)
        write_problem(&o, &problems->list[i]);
    tr__api_close(&o, ']');
    if (problems->more > 0)
        write_count(&o, "more_errors", problems->more);
    tr__api_close(&o, '}');
}
