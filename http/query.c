/* The pairs of a query, or of a form. */
#include "http/query.h"

#include "http/percent.h"

bool tr__query_next(tr__slice *rest, tr__slice *name, tr__slice *value)
{
    tr__slice pair;

    do {
        if (!tr__slice_split(rest, '&', &pair))
            return false;
    } while (pair.bytes == 0);
    *value = pair;
    if (!tr__slice_split(value, '=', name))
        *name = tr__slice_head(pair, 0);
    return true;
}

bool tr__query_find(tr__slice query, tr__slice name, size_t i, tr__slice *value)
{
    tr__slice it;
    tr__slice its_value;

    while (tr__query_next(&query, &it, &its_value)) {
        if (!tr__percent_decodes_to(it, name, TR__PERCENT_PLUS) || i-- > 0)
            continue;
        *value = its_value;
        return true;
    }
    return false;
}

static bool is_well_formed(tr__slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char decoded;

        if (text.at[i] == 0)
            return false;
        if (text.at[i] != '%')
            continue;
        if (text.bytes - i < 3 ||
            tr__percent_decode((tr__slice){ text.at + i, 3 }, &decoded, 1, 0) != 1)
            return false;
        i += 2;
    }
    return true;
}

bool tr__query_is_valid(tr__slice query, size_t most)
{
    tr__slice name;
    tr__slice value;

    for (size_t count = 0; tr__query_next(&query, &name, &value); count++)
        if (count == most || !is_well_formed(name) || !is_well_formed(value))
            return false;
    return true;
}
