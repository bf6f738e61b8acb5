/* The intrusive list. */
#include "base/compiler.h"
#include "base/list.h"
#include "support/kit.h"

typedef struct item {
    int number;
    tr__list link;
} item;

static void expect_whole(const tr__list *head, int count)
{
    const tr__list *node = head;

    do {
        ck_assert_ptr_eq(node->next->prev, node);
        ck_assert_ptr_eq(node->prev->next, node);
        node = node->next;
    } while (node != head && count-- > 0);
    ck_assert_ptr_eq(node, head);
    ck_assert_int_eq(count, 0);
}

START_TEST(list_that_is_new_is_empty)
{
    tr__list head;

    tr__list_init(&head);
    ck_assert(tr__list_is_empty(&head));
    ck_assert_ptr_null(tr__list_take_first(&head));
    expect_whole(&head, 0);
}
END_TEST

START_TEST(list_gives_nodes_back_in_the_order_appended)
{
    item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    tr__list head;

    tr__list_init(&head);
    for (int i = 0; i < 3; i++) {
        ck_assert(!tr__list_is_linked(&items[i].link));
        tr__list_append(&head, &items[i].link);
        ck_assert(tr__list_is_linked(&items[i].link));
        expect_whole(&head, i + 1);
    }
    for (int i = 0; i < 3; i++) {
        tr__list *node = tr__list_take_first(&head);

        ck_assert_ptr_nonnull(node);
        ck_assert_int_eq(TR__CONTAINER_OF(node, item, link)->number, i);
        ck_assert(!tr__list_is_linked(node));
        expect_whole(&head, 2 - i);
    }
    ck_assert(tr__list_is_empty(&head));
}
END_TEST

START_TEST(list_nodes_leave_from_every_place)
{
    for (int left = 0; left < 3; left++) {
        tr__list nodes[3] = { { NULL, NULL }, { NULL, NULL }, { NULL, NULL } };
        tr__list head;

        tr__list_init(&head);
        for (int i = 0; i < 3; i++)
            tr__list_append(&head, &nodes[i]);
        tr__list_remove(&nodes[left]);
        ck_assert(!tr__list_is_linked(&nodes[left]));
        expect_whole(&head, 2);
        tr__list_append(&head, &nodes[left]);
        expect_whole(&head, 3);
        ck_assert_ptr_eq(head.prev, &nodes[left]);
    }
}
END_TEST

START_TEST(list_appended_to_another_is_empty_then)
{
    for (int first = 0; first < 3; first++) {
        tr__list nodes[4] = { { NULL, NULL }, { NULL, NULL }, { NULL, NULL }, { NULL, NULL } };
        tr__list from;
        tr__list to;

        tr__list_init(&from);
        tr__list_init(&to);
        for (int i = 0; i < 4; i++)
            tr__list_append(i < first ? &to : &from, &nodes[i]);
        tr__list_append_all(&to, &from);
        expect_whole(&from, 0);
        expect_whole(&to, 4);
        for (int i = 0; i < 4; i++)
            ck_assert_ptr_eq(tr__list_take_first(&to), &nodes[i]);
    }
}
END_TEST

KIT_MAIN("base/list", list_that_is_new_is_empty, list_gives_nodes_back_in_the_order_appended,
         list_nodes_leave_from_every_place, list_appended_to_another_is_empty_then)
