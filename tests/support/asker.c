/* An actor that requests what it is told to, and reports all that comes. */
#include "support/asker.h"

int asker_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct tr_request_failed *failed = tr_as(msg, tr_request_failed);
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_owned *owned = tr_as(msg, kit_owned);
    int64_t tag = (int64_t)tr_msg_tag(msg);

    if (failed != NULL) {
        ck_assert_uint_eq(failed->tag, tr_msg_tag(msg));
        return kit_report(tag, failed->error);
    }
    if (value != NULL)
        return kit_report(tag, value->a);
    if (owned != NULL)
        return kit_report(tag, owned->a);
    return kit_act_or_unhandled(self, state, msg);
}

int asker_request(tr_self *self, void *call)
{
    const asker_call *a = call;

    ck_assert_int_eq(tr_request(self, a->to, a->timeout, a->tag, kit_ask, .a = a->what), 0);
    return 0;
}

tr_pid asker_begin(int loop, int budget)
{
    static const tr_actor_class asker_class = { .name = "asker", .receive = asker_receive };

    kit_watch_dead_letters();
    kit_start_with(&(tr_config){ .loops = 2, .budget_msgs = budget });
    kit_reports_begin();
    return kit_spawn(&asker_class, NULL, loop);
}

void asker_end(void)
{
    kit_reports_end();
    kit_stop();
}
