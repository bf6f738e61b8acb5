/* What is wrong with a body. */
#include "http/problems.h"

#include <stdarg.h>
#include <stdio.h>

const char *tr__arena_print(tr__arena *arena, const char *format, ...)
{
    char text[256];
    va_list values;
    int bytes;

    va_start(values, format);
    bytes = vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    if (bytes < 0)
        return NULL;
    return tr__arena_copy(arena, text,
                          (size_t)bytes < sizeof(text) ? (size_t)bytes : sizeof(text) - 1);
}

int tr__problems_add(tr__problems *problems, tr_problem problem)
{
    if (problem.where == NULL || problem.what == NULL)
        return TR_ENOMEM;
    if (problems->count < TR_PROBLEMS_MOST)
        problems->list[problems->count++] = problem;
    else
        problems->more++;
    return 0;
}
