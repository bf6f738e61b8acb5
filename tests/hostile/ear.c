/* Answers, as a client hears them: their statuses, wherever the network has cut them. */
#include "hostile/hostile.h"

#include <string.h>

static void tell(uint32_t heard[CODES], int code)
{
    heard[code >= 0 && code < CODES ? code : 0]++;
}

/* The frames of a server, none of which is long here. */
static void hear_frame(ear *e, unsigned char byte, uint32_t heard[CODES])
{
    if (e->at == 0)
        e->opcode = byte & 0x0f;
    else if (e->at == 1)
        e->bytes = byte;
    else if (e->at < 4)
        e->reason = e->reason << 8 | byte;
    e->at++;
    if (e->at < 2 || e->at < 2 + e->bytes)
        return;
    if (e->opcode == 8)
        tell(heard, e->bytes >= 2 ? e->reason : 0);
    e->at = 0;
    e->reason = 0;
}

static void hear_upgrade(ear *e, unsigned char byte, uint32_t heard[CODES])
{
    static const char end[] = "\r\n\r\n";

    if (e->blank == sizeof(end) - 1)
        hear_frame(e, byte, heard);
    else
        e->blank = byte == (unsigned char)end[e->blank] ? e->blank + 1 : byte == '\r';
}

static void hear_byte(ear *e, unsigned char byte, uint32_t heard[CODES])
{
    static const char begin[] = "HTTP/1.1 ";
    const int length = sizeof(begin) - 1;

    if (e->matched < length) {
        e->matched = byte == (unsigned char)begin[e->matched] ? e->matched + 1 : byte == 'H';
        e->code = 0;
        return;
    }
    e->code = e->code * 10 + (byte - '0');
    if (++e->matched < length + 3)
        return;
    e->matched = 0;
    e->answers++;
    e->is_upgraded = e->code == 101;
    tell(heard, e->code);
}

void ear_hear(ear *e, const char *data, size_t bytes, uint32_t heard[CODES])
{
    for (size_t i = 0; i < bytes; i++)
        if (e->is_upgraded)
            hear_upgrade(e, (unsigned char)data[i], heard);
        else
            hear_byte(e, (unsigned char)data[i], heard);
}
