/* Intrusive lists. A tr__link is the one word by which a node stands in a stack or a queue.
 *
 * A tr__list is circular and doubly linked. An empty list's head points to itself; a node that is
 * on no list is zero.
 *
 * Invariants, for every node n of a list: n->next->prev == n and n->prev->next == n. */
#ifndef TR_BASE_LIST_H
#define TR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tr__link {
    struct tr__link *next;
} tr__link;

typedef struct tr__list {
    struct tr__list *next;
    struct tr__list *prev;
} tr__list;

static inline void tr__list_init(tr__list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool tr__list_is_empty(const tr__list *head)
{
    return head->next == head;
}

static inline bool tr__list_is_linked(const tr__list *node)
{
    return node->next != NULL;
}

static inline void tr__list_append(tr__list *head, tr__list *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node; /* NOLINT(clang-analyzer-core.NullDereference): a list is a circle */
    head->prev = node;
}

static inline void tr__list_remove(tr__list *node)
{
    node->next->prev = node->prev; /* NOLINT(clang-analyzer-core.NullDereference): as above */
    node->prev->next = node->next;
    node->next = NULL;
    node->prev = NULL;
}

/* All nodes of a list that is not empty, moved to an empty one. */
static inline void tr__list_move(tr__list *to, tr__list *from)
{
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to;
    to->prev->next = to;
    tr__list_init(from);
}

/* All nodes of a list that is not empty, moved behind those of another. */
static inline void tr__list_append_all(tr__list *to, tr__list *from)
{
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    tr__list_init(from);
}

/* The first node, taken off; NULL when the list is empty. */
static inline tr__list *tr__list_take_first(tr__list *head)
{
    tr__list *node = head->next;

    if (node == head)
        return NULL;
    tr__list_remove(node);
    return node;
}

#endif
