/* All declarations that some refer to. */
#include "http/walk.h"

#include <string.h>

static bool is_there(const tr__walk *walk, const tr_declaration *declaration)
{
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->list[i] == declaration)
            return true;
    }
    return false;
}

static int add_one(tr__walk *walk, const tr_declaration *declaration)
{
    if (declaration == NULL || is_there(walk, declaration))
        return 0;
    if (walk->count == walk->room) {
        size_t room = walk->room == 0 ? 16 : 2 * walk->room;
        const tr_declaration **list =
            (const tr_declaration **)tr__arena_take(walk->arena, room * sizeof(void *));

        if (list == NULL)
            return TR_ENOMEM;
        if (walk->count > 0)
            memcpy((void *)list, (const void *)walk->list, walk->count * sizeof(void *));
        walk->list = list;
        walk->room = room;
    }
    walk->list[walk->count++] = declaration;
    return 0;
}

int tr__walk_add(tr__walk *walk, const tr_declaration *declaration)
{
    size_t next = walk->count;
    int rc = add_one(walk, declaration);

    for (; rc == 0 && next < walk->count; next++) {
        const tr_declaration *at = walk->list[next];

        for (size_t i = 0; rc == 0 && i < at->tr__count; i++)
            rc = add_one(walk, at->tr__fields[i].tr__of);
    }
    return rc;
}
