/* Rooms of WebSockets from a thread that is no loop's, and beyond the runtime's life. */
#include <string.h>
#include <troupe/net.h>

#include "support/kit.h"

START_TEST(a_room_is_made_while_the_runtime_runs)
{
    tr_room *room = (tr_room *)(uintptr_t) "none";

    ck_assert_int_eq(tr_room_new(&room), TR_ESHUTDOWN);
    ck_assert_ptr_null(room);
    kit_start(2);
    ck_assert_int_eq(tr_room_new(&room), 0);
    ck_assert_int_eq(tr_room_text(room, "is anybody %s?", "there"), 0);
    ck_assert_uint_eq(tr_room_size(room), 0);
    tr_room_unref(room);
    kit_stop();
}
END_TEST

START_TEST(a_room_may_outlive_the_runtime)
{
    tr_room *room;

    kit_start(1);
    ck_assert_int_eq(tr_room_new(&room), 0);
    kit_stop();
    ck_assert_int_eq(tr_room_send(room, TR_WS_TEXT, "nobody", 6), 0);
    kit_start(2); /* with more loops than it knows */
    ck_assert_int_eq(tr_room_send(room, TR_WS_BINARY, "nobody", 6), 0);
    ck_assert_uint_eq(tr_room_size(room), 0);
    kit_stop();
    tr_room_unref(room);
}
END_TEST

KIT_MAIN("http/room", a_room_is_made_while_the_runtime_runs, a_room_may_outlive_the_runtime)
