/* Answers of servers, which may be anything. */
#include "net/dns_answer.h"

#include <stdbool.h>

enum { HEADER = 12, QUESTION = 4, RECORD = 10, SOA = 6, SOA_NUMBERS = 20 };

typedef struct reader {
    const unsigned char *at;
    const unsigned char *end;
} reader;

static bool skip(reader *r, size_t bytes)
{
    if ((size_t)(r->end - r->at) < bytes)
        return false;
    r->at += bytes;
    return true;
}

/* Labels until one is empty, or the rest stands elsewhere. */
static bool skip_name(reader *r)
{
    for (;;) {
        unsigned first = r->at < r->end ? *r->at : 0xffU;

        if (first >= 0xc0)
            return skip(r, 2);
        if (first >= 0x40 || !skip(r, 1 + (size_t)first))
            return false;
        if (first == 0)
            return true;
    }
}

static unsigned read_u16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

/* The last of its numbers, after two names; but never longer than the record itself is good. */
static uint32_t read_soa(reader data, uint32_t ttl)
{
    bool has_names = skip_name(&data);
    uint32_t least;

    has_names = has_names && skip_name(&data);
    if (!has_names || data.end - data.at < SOA_NUMBERS)
        return 0;
    least = read_u32(data.at + SOA_NUMBERS - 4);
    return least < ttl ? least : ttl;
}

static bool skip_questions(reader *r, unsigned count)
{
    for (; count > 0; count--)
        if (!skip_name(r) || !skip(r, QUESTION))
            return false;
    return true;
}

uint32_t tr__dns_negative_ttl(const unsigned char *answer, size_t bytes)
{
    reader r = { answer, answer + bytes };
    unsigned records;

    if (answer == NULL || !skip(&r, HEADER) || !skip_questions(&r, read_u16(answer + 4)))
        return 0;
    for (records = read_u16(answer + 6) + read_u16(answer + 8); records > 0; records--) {
        const unsigned char *fixed;

        if (!skip_name(&r))
            return 0;
        fixed = r.at;
        if (!skip(&r, RECORD) || !skip(&r, read_u16(fixed + 8)))
            return 0;
        if (read_u16(fixed) == SOA)
            return read_soa((reader){ fixed + RECORD, r.at }, read_u32(fixed + 4));
    }
    return 0;
}
