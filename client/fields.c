/* Header fields that a program gives. */
#include "client/fields.h"

/* What the client itself says. */
static bool is_ours(tr__known known)
{
    switch (known) {
    case TR__KNOWN_CONNECTION:
    case TR__KNOWN_CONTENT_LENGTH:
    case TR__KNOWN_EXPECT:
    case TR__KNOWN_KEEP_ALIVE:
    case TR__KNOWN_PROXY_AUTHORIZATION:
    case TR__KNOWN_PROXY_CONNECTION:
    case TR__KNOWN_TE:
    case TR__KNOWN_TRAILER:
    case TR__KNOWN_TRANSFER_ENCODING:
    case TR__KNOWN_UPGRADE:
        return true;
    default:
        return false;
    }
}

bool tr__client_line_parse(const char *text, tr__client_line *out)
{
    tr__slice all = tr__slice_of(text);
    size_t colon = tr__slice_index(all, ':');

    if (colon == all.bytes)
        return false;
    out->name = tr__slice_head(all, colon);
    out->value = tr__slice_trim(tr__slice_tail(all, colon + 1));
    return tr__header_name_is_valid(out->name) && tr__header_value_is_valid(out->value) &&
           !is_ours(tr__header_known(out->name));
}

bool tr__client_lines_have(const tr__client_line *lines, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (tr__slice_is_ignoring_case(lines[i].name, name))
            return true;
    return false;
}
