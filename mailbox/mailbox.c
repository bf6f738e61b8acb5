/* The walker that proves a mailbox whole. */
#include "mailbox/mailbox.h"

bool tr__mailbox_is_valid(const tr__mailbox *box, size_t count)
{
    tr_msg *const *link = &box->first;
    size_t seen = 0;

    while (*link != NULL && seen <= count) {
        link = &(*link)->tr__next;
        seen++;
    }
    return seen == count && box->last == link;
}
