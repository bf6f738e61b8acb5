/* Buffers of streams. */
#include <string.h>

#include "base/seam.h"
#include "net/io.h"

enum { SMALLEST = 4096 };

static size_t capacity_for(size_t bytes)
{
    size_t capacity = SMALLEST;

    while (capacity < bytes)
        capacity *= 2;
    return capacity;
}

static void move_to_front(tr__buffer *buffer)
{
    if (buffer->begin == 0)
        return;
    memmove(buffer->bytes, buffer->bytes + buffer->begin, tr__buffer_count(buffer));
    buffer->end -= buffer->begin;
    buffer->begin = 0;
}

bool tr__buffer_reserve(tr__buffer *buffer, size_t bytes)
{
    size_t count = tr__buffer_count(buffer);
    size_t capacity;
    char *larger;

    if (bytes > SIZE_MAX / 4 - count)
        return false;
    if (buffer->capacity - buffer->end >= bytes)
        return true;
    /* Moving is cheap where little is left; else a larger buffer pays sooner. */
    if (buffer->capacity >= count + bytes && count <= buffer->capacity / 2) {
        move_to_front(buffer);
        return true;
    }
    capacity = capacity_for(count + bytes);
    larger = tr__alloc(capacity);
    if (larger == NULL)
        return false;
    if (count > 0)
        memcpy(larger, buffer->bytes + buffer->begin, count);
    tr__free(buffer->bytes);
    *buffer = (tr__buffer){ .bytes = larger, .end = count, .capacity = capacity };
    return true;
}

void tr__buffer_take(tr__buffer *buffer, size_t bytes)
{
    buffer->begin += bytes;
    if (buffer->begin == buffer->end) {
        buffer->begin = 0;
        buffer->end = 0;
    }
}

void tr__buffer_free(tr__buffer *buffer)
{
    tr__free(buffer->bytes);
    *buffer = (tr__buffer){ 0 };
}
