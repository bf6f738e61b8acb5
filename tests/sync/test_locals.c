/* Values of tasks. */
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"

static const tr_local user = { "user" };
static const tr_local trace = { "trace" };

static int expect_value(void *wanted)
{
    const char *value = tr_local_get(&user);

    EXPECT(wanted == NULL ? value == NULL : value != NULL && strcmp(value, wanted) == 0);
    return 0;
}

CASE(a_task_has_no_values_at_first)
{
    EXPECT(tr_local_get(&user) == NULL);
    EXPECT(tr_local_set(&user, "ada", NULL) == 0);
    EXPECT(strcmp(tr_local_get(&user), "ada") == 0);
    EXPECT(tr_local_get(&trace) == NULL);
    EXPECT(tr_local_set(&trace, "t1", NULL) == 0);
    EXPECT(tr_local_set(&user, "bob", NULL) == 0);
    EXPECT(strcmp(tr_local_get(&user), "bob") == 0);
    EXPECT(strcmp(tr_local_get(&trace), "t1") == 0);
    EXPECT(tr_local_set(&user, NULL, NULL) == 0);
    EXPECT(tr_local_get(&user) == NULL);
}

CASE(children_inherit_what_their_parent_has_when_they_are_started)
{
    tr_future *submitted;
    tr_task *spawned;
    int rc;

    EXPECT(tr_local_set(&user, "ada", NULL) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, expect_value, "ada") == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(1), expect_value, "ada") == 0);
        EXPECT(tr_task_spawn(&spawned, expect_value, "ada") == 0);
        EXPECT(tr_submit(&submitted, TR_LOOP(1), expect_value, "ada") == 0);
        EXPECT(tr_local_set(&user, "bob", NULL) == 0);
        EXPECT(tr_scope_spawn(s, expect_value, "bob") == 0);
    }
    EXPECT(rc == 0);
    EXPECT(tr_task_wait(spawned, TR_FOREVER) == 0);
    tr_task_unref(spawned);
    EXPECT(tr_await(submitted) == 0);
    tr_future_unref(submitted);
}

static int set_another(void *arg)
{
    (void)arg;
    EXPECT(strcmp(tr_local_get(&user), "ada") == 0);
    EXPECT(tr_local_set(&user, "carl", NULL) == 0);
    EXPECT(tr_yield() == 0);
    EXPECT(strcmp(tr_local_get(&user), "carl") == 0);
    return 0;
}

CASE(what_a_child_sets_is_its_own)
{
    int rc;

    EXPECT(tr_local_set(&user, "ada", NULL) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, set_another, NULL) == 0);
        EXPECT(tr_scope_spawn(s, set_another, NULL) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(1), set_another, NULL) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(tr_local_get(&user), "ada") == 0);
}

static counter dropped;

static void drop(void *value)
{
    EXPECT(strcmp(value, "mine") == 0);
    free(value);
    count_up(&dropped);
}

static char *mine(void)
{
    char *text = malloc(5);

    EXPECT(text != NULL);
    return strcpy(text, "mine");
}

static int use_after_a_while(void *arg)
{
    (void)arg;
    EXPECT(tr_sleep(0.001) == 0);
    EXPECT(strcmp(tr_local_get(&user), "mine") == 0);
    return 0;
}

CASE(a_value_is_dropped_when_the_last_who_has_it_has_ended)
{
    tr_task *tasks[4];

    dropped = (counter){ 0 };
    EXPECT(tr_local_set(&user, mine(), drop) == 0);
    for (int i = 0; i < 4; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), use_after_a_while, NULL) == 0);
    EXPECT(tr_local_set(&user, NULL, NULL) == 0);
    EXPECT(count_of(&dropped) == 0);
    for (int i = 0; i < 4; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    EXPECT(count_of(&dropped) == 1);
}

CASE(a_value_that_is_replaced_is_dropped)
{
    dropped = (counter){ 0 };
    EXPECT(tr_local_set(&user, mine(), drop) == 0);
    EXPECT(tr_local_set(&trace, mine(), drop) == 0);
    EXPECT(tr_local_set(&user, mine(), drop) == 0);
    EXPECT(count_of(&dropped) == 1);
    EXPECT(tr_local_set(&trace, NULL, NULL) == 0);
    EXPECT(count_of(&dropped) == 2);
    EXPECT(tr_local_set(&user, NULL, NULL) == 0);
    EXPECT(count_of(&dropped) == 3);
}

CASE(a_child_that_could_not_be_started_has_given_its_values_back)
{
    int rc;

    dropped = (counter){ 0 };
    EXPECT(tr_local_set(&user, mine(), drop) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(9), expect_value, NULL) == TR_EINVAL);
    }
    EXPECT(tr_local_set(&user, NULL, NULL) == 0);
    EXPECT(count_of(&dropped) == 1);
}

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    EXPECT(tr_local_get(&user) == NULL); /* it is no child of whoever has spawned it */
    return 0;
}

TR_NOTICE(poke);

CASE(actors_that_await_inherit_nothing)
{
    static const tr_actor_class class = { .name = "poked", .receive = receive, .awaits = true };
    tr_pid pid;

    EXPECT(tr_local_set(&user, "ada", NULL) == 0);
    EXPECT(tr_spawn(&pid, &class, NULL) == 0);
    EXPECT(tr_send(pid, poke) == 0);
    let_others_run();
    EXPECT(tr_stop(pid) == 0);
}

static void use_on_a_loop(void *done)
{
    EXPECT(tr_local_get(&user) == NULL);
    EXPECT(tr_local_set(&user, mine(), drop) == TR_EWRONGPLACE);
    EXPECT(tr_event_set(done) == 0);
}

CASE(bad_arguments_and_places_are_refused)
{
    tr_event done = { 0 };

    dropped = (counter){ 0 };
    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
    EXPECT(count_of(&dropped) == 1);
    EXPECT(tr_local_set(NULL, mine(), drop) == TR_EINVAL);
    EXPECT(count_of(&dropped) == 2);
    EXPECT(tr_local_get(NULL) == NULL);
}

CASES("locals", a_task_has_no_values_at_first,
      children_inherit_what_their_parent_has_when_they_are_started, what_a_child_sets_is_its_own,
      a_value_is_dropped_when_the_last_who_has_it_has_ended, a_value_that_is_replaced_is_dropped,
      a_child_that_could_not_be_started_has_given_its_values_back,
      actors_that_await_inherit_nothing, bad_arguments_and_places_are_refused)
