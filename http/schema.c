/* Declarations as JSON Schema. */
#include "http/schema.h"

#include "http/declare.h"
#include "http/format.h"

/* ---- JSON, member by member ---- */

static void begin_value(tr__api_out *o)
{
    if (o->is_behind)
        tr__out_character(o->out, ',');
    o->is_behind = true;
}

void tr__api_open(tr__api_out *o, char bracket)
{
    begin_value(o);
    tr__out_character(o->out, bracket);
    o->is_behind = false;
}

void tr__api_close(tr__api_out *o, char bracket)
{
    tr__out_character(o->out, bracket);
    o->is_behind = true;
}

void tr__api_name_begin(tr__api_out *o)
{
    begin_value(o);
    tr__out_character(o->out, '"');
}

void tr__api_name_end(tr__api_out *o)
{
    tr__out_text(o->out, "\":");
    o->is_behind = false;
}

void tr__api_name_of(tr__api_out *o, const char *name, size_t bytes)
{
    tr__api_name_begin(o);
    tr__out_escaped(o->out, name, bytes);
    tr__api_name_end(o);
}

void tr__api_name(tr__api_out *o, const char *name)
{
    tr__api_name_of(o, name, strlen(name));
}

void tr__api_string_of(tr__api_out *o, const char *text, size_t bytes)
{
    begin_value(o);
    tr__out_string(o->out, text, bytes);
}

void tr__api_string(tr__api_out *o, const char *text)
{
    tr__api_string_of(o, text, strlen(text));
}

void tr__api_boolean(tr__api_out *o, bool value)
{
    begin_value(o);
    tr__out_text(o->out, value ? "true" : "false");
}

void tr__api_member(tr__api_out *o, const char *name, const char *text)
{
    if (text == NULL)
        return;
    tr__api_name(o, name);
    tr__api_string(o, text);
}

static void write_integer(tr__api_out *o, const char *name, int64_t value)
{
    tr__api_name(o, name);
    begin_value(o);
    tr__out_integer(o->out, value);
}

static void write_number(tr__api_out *o, const char *name, long double value)
{
    bool is_whole = value >= -0x1p63L && value < 0x1p63L && (long double)(int64_t)value == value;

    if (is_whole) {
        write_integer(o, name, (int64_t)value);
        return;
    }
    tr__api_name(o, name);
    begin_value(o);
    tr__out_number(o->out, (double)value);
}

static void write_size(tr__api_out *o, const char *name, size_t value)
{
    if (value > 0)
        write_integer(o, name, (int64_t)value);
}

/* ---- references ---- */

/* The name of a schema: that of the declaration, and a number if one before has the same. */
static void write_schema_name(tr__api_out *o, const tr_declaration *declaration)
{
    const char *name = declaration->tr__name;
    size_t same = strcmp(name, "problem") == 0; /* ours */

    for (size_t i = 0; i < o->walk->count && o->walk->list[i] != declaration; i++)
        same += strcmp(o->walk->list[i]->tr__name, name) == 0;
    tr__out_text(o->out, name);
    if (same > 0)
        tr__out_integer(o->out, (int64_t)same + 1);
}

void tr__api_reference(tr__api_out *o, const tr_declaration *declaration)
{
    tr__api_open(o, '{');
    tr__api_name(o, "$ref");
    begin_value(o);
    tr__out_text(o->out, "\"#/components/schemas/"); /* names are C's: nothing to escape */
    write_schema_name(o, declaration);
    tr__out_character(o->out, '"');
    tr__api_close(o, '}');
}

void tr__api_reference_to_problem(tr__api_out *o)
{
    tr__api_open(o, '{');
    tr__api_member(o, "$ref", "#/components/schemas/problem");
    tr__api_close(o, '}');
}

/* ---- values ---- */

const char *tr__api_type(tr_field_kind kind)
{
    static const char *const names[] = {
        [TR_FIELD_TEXT] = "string",     [TR_FIELD_NUMBER] = "number",
        [TR_FIELD_INTEGER] = "integer", [TR_FIELD_BOOLEAN] = "boolean",
        [TR_FIELD_OBJECT] = "object",
    };

    return names[kind];
}

static void write_choices(tr__api_out *o, const char *choices, bool is_nullable)
{
    tr__api_name(o, "enum");
    tr__api_open(o, '[');
    for (;;) {
        size_t bytes = strcspn(choices, "|");

        tr__api_string_of(o, choices, bytes);
        if (choices[bytes] == '\0')
            break;
        choices += bytes + 1;
    }
    if (is_nullable) {
        begin_value(o);
        tr__out_text(o->out, "null");
    }
    tr__api_close(o, ']');
}

static void write_text_rules(tr__api_out *o, const tr_field *field, bool is_nullable)
{
    write_size(o, "minLength", field->min_length);
    write_size(o, "maxLength", field->max_length);
    tr__api_member(o, "pattern", field->pattern);
    tr__api_member(o, "format", tr__format_name(field->format));
    if (field->one_of != NULL)
        write_choices(o, field->one_of, is_nullable);
}

static void write_bound(tr__api_out *o, const tr_bound *bound, const char *inclusive,
                        const char *exclusive)
{
    if (bound->tr__kind == TR__BOUND_INCLUSIVE)
        write_number(o, inclusive, bound->tr__value);
    if (bound->tr__kind == TR__BOUND_EXCLUSIVE)
        write_number(o, exclusive, bound->tr__value);
}

/* The range of a small C type is a rule, too, where it is not narrowed. */
static void write_range(tr__api_out *o, const tr_field *field)
{
    unsigned bits = 8U * field->tr__bytes;
    bool is_small = field->tr__kind == TR_FIELD_INTEGER && bits < 64;
    int64_t most = is_small ? (INT64_C(1) << (bits - field->tr__is_signed)) - 1 : 0;

    if (is_small && field->minimum.tr__kind == 0)
        write_integer(o, "minimum", field->tr__is_signed ? -most - 1 : 0);
    if (is_small && field->maximum.tr__kind == 0)
        write_integer(o, "maximum", most);
    write_bound(o, &field->minimum, "minimum", "exclusiveMinimum");
    write_bound(o, &field->maximum, "maximum", "exclusiveMaximum");
}

static void write_type(tr__api_out *o, const char *type, bool is_nullable)
{
    tr__api_name(o, "type");
    if (!is_nullable) {
        tr__api_string(o, type);
        return;
    }
    tr__api_open(o, '[');
    tr__api_string(o, type);
    tr__api_string(o, "null");
    tr__api_close(o, ']');
}

/* The members of a schema of a value that is no object. */
static void write_scalar(tr__api_out *o, const tr_field *field, bool is_nullable)
{
    write_type(o, tr__api_type(field->tr__kind), is_nullable);
    if (field->tr__kind == TR_FIELD_TEXT)
        write_text_rules(o, field, is_nullable);
    else if (field->tr__kind != TR_FIELD_BOOLEAN)
        write_range(o, field);
}

static void write_default(tr__api_out *o, const tr_field *field)
{
    if (field->default_text != NULL)
        tr__api_member(o, "default", field->default_text);
    if (field->default_number != 0)
        write_number(o, "default", field->default_number);
    if (field->default_integer != 0)
        write_integer(o, "default", field->default_integer);
    if (field->default_boolean) {
        tr__api_name(o, "default");
        tr__api_boolean(o, true);
    }
}

static void write_list(tr__api_out *o, const tr_field *field)
{
    write_type(o, "array", field->nullable);
    write_size(o, "minItems", field->min_items);
    write_size(o, "maxItems", field->max_items);
    tr__api_name(o, "items");
    if (field->tr__kind == TR_FIELD_OBJECT) {
        tr__api_reference(o, field->tr__of);
        return;
    }
    tr__api_open(o, '{');
    write_scalar(o, field, false);
    tr__api_close(o, '}');
}

/* An object that may be null is one or the other. */
static void write_object(tr__api_out *o, const tr_field *field)
{
    tr__api_name(o, field->nullable ? "anyOf" : "allOf");
    tr__api_open(o, '[');
    tr__api_reference(o, field->tr__of);
    if (field->nullable) {
        tr__api_open(o, '{');
        tr__api_member(o, "type", "null");
        tr__api_close(o, '}');
    }
    tr__api_close(o, ']');
}

static void write_field(tr__api_out *o, const tr_field *field)
{
    tr__api_name(o, tr__field_name(field));
    tr__api_open(o, '{');
    if (field->tr__is_list)
        write_list(o, field);
    else if (field->tr__kind == TR_FIELD_OBJECT)
        write_object(o, field);
    else
        write_scalar(o, field, field->nullable);
    tr__api_member(o, "description", field->about);
    write_default(o, field);
    tr__api_close(o, '}');
}

/* ---- objects ---- */

static void write_required(tr__api_out *o, const tr_declaration *declaration)
{
    tr__api_name(o, "required");
    tr__api_open(o, '[');
    for (size_t i = 0; i < declaration->tr__count; i++) {
        if (declaration->tr__fields[i].required)
            tr__api_string(o, tr__field_name(&declaration->tr__fields[i]));
    }
    tr__api_close(o, ']');
}

static void write_schema(tr__api_out *o, const tr_declaration *declaration)
{
    tr__api_name_begin(o);
    write_schema_name(o, declaration);
    tr__api_name_end(o);
    tr__api_open(o, '{');
    tr__api_member(o, "type", "object");
    tr__api_member(o, "title", declaration->tr__name);
    tr__api_name(o, "properties");
    tr__api_open(o, '{');
    for (size_t i = 0; i < declaration->tr__count; i++)
        write_field(o, &declaration->tr__fields[i]);
    tr__api_close(o, '}');
    write_required(o, declaration);
    if (declaration->tr__refuses_unknown) {
        tr__api_name(o, "additionalProperties");
        tr__api_boolean(o, false);
    }
    tr__api_close(o, '}');
}

static const char problem_schema[] =
    "{\"type\":\"object\",\"title\":\"problem\",\"description\":\"A problem document (RFC 9457)\","
    "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"where\":{\"type\":\"string\",\"description\":\"a JSON pointer\"},"
    "\"what\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},"
    "\"line\":{\"type\":\"integer\"},\"column\":{\"type\":\"integer\"}}}}}}";

void tr__api_schemas(tr__api_out *o)
{
    tr__api_name(o, "schemas");
    tr__api_open(o, '{');
    for (size_t i = 0; i < o->walk->count; i++)
        write_schema(o, o->walk->list[i]);
    tr__api_name(o, "problem");
    tr__out_text(o->out, problem_schema);
    tr__api_close(o, '}');
}
