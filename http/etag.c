/* Entity tags. */
#include "http/etag.h"

static bool is_weak(tr__slice etag)
{
    return tr__slice_begins(etag, "W/");
}

static bool is_tag_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte > ' ' && byte != '"' && byte != 0x7f;
}

/* The length of the tag that a text begins with; 0: it begins with none. */
static size_t measure(tr__slice text)
{
    size_t at = is_weak(text) ? 2 : 0;

    if (at == text.bytes || text.at[at] != '"')
        return 0;
    for (at++; at < text.bytes && is_tag_byte(text.at[at]);)
        at++;
    return at < text.bytes && text.at[at] == '"' ? at + 1 : 0;
}

bool tr__etag_is_valid(tr__slice etag)
{
    return etag.bytes > 0 && measure(etag) == etag.bytes;
}

bool tr__etag_equals_strongly(tr__slice a, tr__slice b)
{
    return !is_weak(a) && tr__etag_is_valid(a) && tr__slice_equals(a, b);
}

bool tr__etag_equals_weakly(tr__slice a, tr__slice b)
{
    return tr__etag_is_valid(a) && tr__etag_is_valid(b) &&
           tr__slice_equals(tr__slice_tail(a, is_weak(a) ? 2 : 0),
                            tr__slice_tail(b, is_weak(b) ? 2 : 0));
}

/* Take the next tag of a list off. */
static bool take_tag(tr__slice *rest, tr__slice *tag)
{
    size_t bytes;

    while (rest->bytes > 0 && (tr__is_blank(rest->at[0]) || rest->at[0] == ','))
        *rest = tr__slice_tail(*rest, 1);
    bytes = rest->bytes > 0 ? measure(*rest) : 0;
    if (bytes == 0)
        return false;
    *tag = tr__slice_head(*rest, bytes);
    *rest = tr__slice_trim(tr__slice_tail(*rest, bytes));
    return rest->bytes == 0 || rest->at[0] == ',';
}

static bool contains(tr__slice list, tr__slice etag, bool (*equals)(tr__slice a, tr__slice b))
{
    tr__slice tag;

    if (tr__slice_is(tr__slice_trim(list), "*"))
        return etag.at != NULL;
    while (take_tag(&list, &tag))
        if (equals(tag, etag))
            return true;
    return false;
}

bool tr__if_match(tr__slice list, tr__slice etag)
{
    return contains(list, etag, tr__etag_equals_strongly);
}

bool tr__if_none_match(tr__slice list, tr__slice etag)
{
    return !contains(list, etag, tr__etag_equals_weakly);
}
