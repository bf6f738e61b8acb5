/* Bad arguments: NULL, zero, absurd sizes, numbers out of range, times that are none. Each public
 * function stands here or in its neighbours, which the last test checks. */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/actors.h"
#include "support/parcels.h"

KIT_ASKS_FOR_ABSURD_SIZES

static void nothing(void *arg)
{
    (void)arg;
}

static void on_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
}

/* ---- core ---- */

START_TEST(every_code_has_a_sentence_and_a_name)
{
    static const int codes[] = { 0, 1, -1, -4095, -4096, -20000, INT_MAX, INT_MIN, INT_MIN + 1 };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        ck_assert_ptr_nonnull(tr_strerror(codes[i]));
        ck_assert_ptr_nonnull(tr_err_name(codes[i]));
    }
    ck_assert_str_eq(tr_version(), TR_VERSION);
}
END_TEST

/* ---- the runtime ---- */

static void expect_start(tr_config config, int wanted)
{
    ck_assert_int_eq(tr_start(&config), wanted);
    if (wanted == 0)
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

START_TEST(start_refuses_figures_out_of_range)
{
    tr_config config = { .loops = 1 };

    expect_start((tr_config){ .loops = -1 }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1025 }, TR_EINVAL);
    expect_start((tr_config){ .loops = INT_MAX }, TR_EINVAL);
    expect_start((tr_config){ .loops = INT_MIN }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1, .budget_msgs = -1 }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1, .budget_msgs = INT_MIN }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1, .shutdown_s = NAN }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1, .shutdown_s = -1 }, TR_EINVAL);
    expect_start((tr_config){ .loops = 1, .shutdown_s = -INFINITY }, TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, 0), TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, sizeof(config) + 1), TR_EINVAL);
    ck_assert_int_eq(tr_start_sized(&config, SIZE_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_loop_count(), 0);
}
END_TEST

START_TEST(start_takes_the_extremes_that_are_in_range)
{
    expect_start(
        (tr_config){
            .loops = 1, .budget_msgs = INT_MAX, .spin_us = INT_MAX, .shutdown_s = INFINITY },
        0);
    expect_start((tr_config){ .loops = 1, .budget_msgs = 1, .spin_us = INT_MIN }, 0);
    /* An older program's shorter configuration. */
    ck_assert_int_eq(tr_start_sized(&(tr_config){ .loops = 1 }, sizeof(int)), 0);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_start(NULL), 0);
    ck_assert_int_eq(tr_shutdown(-INFINITY), 0);
}
END_TEST

START_TEST(shutdown_refuses_a_time_that_is_none)
{
    kit_start(1);
    ck_assert_int_eq(tr_shutdown(NAN), TR_EINVAL);
    ck_assert_int_eq(tr_loop_count(), 1);
    kit_stop();
    ck_assert_int_eq(tr_shutdown(NAN), TR_EINVAL);
}
END_TEST

START_TEST(post_and_stats_refuse_what_is_not_there)
{
    tr_stats stats;

    kit_start(1);
    ck_assert_int_eq(tr_post(TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(TR_LOOP(1), nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(-1, nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(INT_MAX, nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(INT_MIN, nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get(NULL), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, 0), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, sizeof(stats) + 1), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, SIZE_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_stats_get_sized(&stats, sizeof(uint64_t)), 0);
    kit_stop();
}
END_TEST

START_TEST(signals_that_cant_be_caught_are_refused)
{
    static const int numbers[] = { 0, -1, INT_MAX, INT_MIN, NSIG, SIGKILL, SIGSTOP, 32, 33 };

    kit_start(1);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ck_assert_int_eq(tr_on_signal(numbers[i], on_signal, NULL), TR_EINVAL);
        ck_assert_int_eq(tr_on_signal(numbers[i], NULL, NULL), TR_EINVAL);
    }
    ck_assert_int_eq(tr_on_signal(SIGUSR2, NULL, NULL), 0); /* there is none to end */
    kit_stop();
}
END_TEST

static void call_loop_functions(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_loop_on_close(NULL, NULL), TR_EINVAL);
    ck_assert_ptr_nonnull(tr_loop_ev(TR_LOOP_ANY));
    ck_assert_ptr_nonnull(tr_loop_ev(TR_LOOP(0)));
    ck_assert_ptr_null(tr_loop_ev(TR_LOOP(1)));
    ck_assert_ptr_null(tr_loop_ev(-1));
    ck_assert_ptr_null(tr_loop_ev(INT_MAX));
    ck_assert_ptr_null(tr_loop_ev(INT_MIN));
}

START_TEST(loop_functions_refuse_other_loops)
{
    kit_start(2);
    kit_on_loop(0, call_loop_functions, NULL);
    kit_stop();
}
END_TEST

/* ---- spawning ---- */

/* Both ways of spawning refuse it, and leave no pid. */
static void expect_no_spawn(const tr_actor_class *cls, const tr_spawn_options *options)
{
    tr_pid pid = { 1 };

    ck_assert_int_eq(tr_spawn_with(&pid, cls, NULL, options), TR_EINVAL);
    ck_assert(tr_pid_is_none(pid));
    pid.tr__id = 1;
    ck_assert_int_eq(tr_spawn_async(&pid, cls, NULL, options), TR_EINVAL);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_with(NULL, &kit_ignoring_class, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_spawn_async(NULL, &kit_ignoring_class, NULL, NULL), TR_EINVAL);
}

static void expect_no_class(tr_actor_class cls)
{
    expect_no_spawn(&cls, NULL);
}

static void refuse_all_spawns(void *arg)
{
    const tr_actor_class base = kit_ignoring_class;
    tr_actor_class cls = base;

    (void)arg;
    expect_no_spawn(NULL, NULL);
    expect_no_class((tr_actor_class){ .name = NULL, .receive = kit_ignore });
    expect_no_class((tr_actor_class){ .name = "no receive" });
    cls.state_size = SIZE_MAX;
    expect_no_class(cls);
    cls.state_size = ((size_t)1 << 40) + 1;
    expect_no_class(cls);
    cls = base;
    cls.args_size = 65537;
    expect_no_class(cls);
    cls.args_size = SIZE_MAX;
    expect_no_class(cls);
    cls.args_size = 8; /* without an init they go into the state, which has no room */
    expect_no_class(cls);
    cls = base;
    cls.mailbox_limit = 16000001;
    expect_no_class(cls);
    cls.mailbox_limit = SIZE_MAX;
    expect_no_class(cls);
    cls = base;
    cls.awaits = true;
    cls.stop_timeout = NAN;
    expect_no_class(cls);
    cls.stop_timeout = -1;
    expect_no_class(cls);
    cls.stop_timeout = -INFINITY;
    expect_no_class(cls);
    cls = base;
    cls.on_full = (tr_full_policy)5;
    expect_no_class(cls);
    cls.on_full = (tr_full_policy)-1;
    expect_no_class(cls);
    cls.on_full = (tr_full_policy)INT_MAX;
    expect_no_class(cls);
}

static void refuse_all_options(void *arg)
{
    static const int loops[] = { -1, 3, INT_MAX, INT_MIN };
    static const int places[] = { -1, 3, INT_MAX, INT_MIN };
    const tr_spawn_options fine = { .on = TR_LOOP_ANY };
    tr_pid pid;

    (void)arg;
    for (size_t i = 0; i < 4; i++) {
        expect_no_spawn(&kit_ignoring_class, &(tr_spawn_options){ .on = loops[i] });
        expect_no_spawn(&kit_ignoring_class, &(tr_spawn_options){ .place = (tr_place)places[i] });
    }
    ck_assert_int_eq(tr_spawn_sized(&pid, &kit_ignoring_class, 0, NULL, NULL, sizeof(fine)),
                     TR_EINVAL);
    ck_assert_int_eq(tr_spawn_sized(&pid, &kit_ignoring_class, SIZE_MAX, NULL, NULL, sizeof(fine)),
                     TR_EINVAL);
    ck_assert_int_eq(
        tr_spawn_sized(&pid, &kit_ignoring_class, sizeof(kit_ignoring_class), NULL, &fine, 0),
        TR_EINVAL);
    ck_assert_int_eq(tr_spawn_sized(&pid, &kit_ignoring_class, sizeof(kit_ignoring_class), NULL,
                                    &fine, SIZE_MAX),
                     TR_EINVAL);
    ck_assert_int_eq(tr_spawn_async_sized(&pid, &kit_ignoring_class, 1, NULL, &fine, sizeof(fine)),
                     TR_EINVAL);
    ck_assert_int_eq(tr_spawn_async_sized(&pid, &kit_ignoring_class, sizeof(kit_ignoring_class),
                                          NULL, &fine, 99),
                     TR_EINVAL);
    /* It could not be copied. */
    ck_assert_int_eq(tr_spawn_async(&pid, &kit_ignoring_class, "args", NULL), TR_EINVAL);
}

START_TEST(spawning_refuses_what_is_no_class_and_no_option)
{
    kit_start(2);
    refuse_all_spawns(NULL);
    refuse_all_options(NULL);
    kit_on_loop(0, refuse_all_spawns, NULL);
    kit_on_loop(1, refuse_all_options, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_stats().spawned, 0);
}
END_TEST

START_TEST(a_stop_timeout_may_be_as_long_or_short_as_a_number_can_be)
{
    static const double times[] = { 5e-324, 1e9, 1e18, 1e300, INFINITY };
    static tr_actor_class classes[5];

    kit_start(2);
    for (size_t i = 0; i < 5; i++) {
        tr_pid pid;

        classes[i] = kit_ignoring_class;
        classes[i].awaits = true;
        classes[i].stop_timeout = times[i];
        ck_assert_int_eq(tr_spawn(&pid, &classes[i], NULL), 0);
    }
    kit_stop();
    ck_assert_uint_eq(kit_stats().ended, 5);
}
END_TEST

START_TEST(state_that_no_machine_has_is_out_of_memory)
{
    const tr_actor_class cls = {
        .name = "giant",
        .receive = kit_ignore,
        .state_size = (size_t)1 << 40,
    };
    tr_pid pid;

    /* Where the kernel promises any amount, this would come true. */
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
    int policy = file != NULL ? fgetc(file) : '1';

    if (file != NULL)
        fclose(file);
    if (policy == '1')
        return;
    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &cls, NULL), TR_ENOMEM);
    ck_assert(tr_pid_is_none(pid));
    kit_stop();
}
END_TEST

/* ---- messages ---- */

START_TEST(functions_of_messages_take_null)
{
    tr_asker none = tr_msg_take_asker(NULL);

    ck_assert_int_eq(tr_send_msg(TR_PID_NONE, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_try_send_msg(TR_PID_NONE, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_forward(NULL, TR_PID_NONE), TR_EINVAL);
    ck_assert_ptr_null(tr_msg_keep(NULL));
    tr_msg_free(NULL);
    ck_assert_ptr_nonnull(tr_msg_name(NULL));
    ck_assert_uint_eq(tr_msg_tag(NULL), 0);
    ck_assert_ptr_null(tr_take(NULL, kit_parcel));
    ck_assert(tr_asker_is_none(none));
    ck_assert(tr_pid_is_none(tr_self_pid(NULL)));
}
END_TEST

/* Larger than any memory: what is copied is never read. */
static tr_msg *make_giant(size_t size)
{
    static tr_type giant = { 0, 1, "giant", "here", NULL, tr_drop_kit_parcel };
    const struct kit_parcel payload = { 0 };

    giant.tr__id = 0;
    return tr__msg_new(&giant, &payload, size);
}

START_TEST(message_that_no_machine_has_is_out_of_memory)
{
    struct kit_parcel payload = { 0 };

    kit_drops = 0;
    ck_assert_ptr_null(make_giant(SIZE_MAX));
    ck_assert_ptr_null(make_giant(SIZE_MAX - 64));
    ck_assert_ptr_null(make_giant(((size_t)1 << 40) + 1));
    ck_assert_uint_eq(kit_drops, 3);
    kit_start(1);
    static tr_type type = { 0, 1, "colossus", "here", NULL, tr_drop_kit_parcel };
    ck_assert_int_eq(tr__send(TR_PID_NONE, &type, &payload, SIZE_MAX), TR_ENOMEM);
    ck_assert_uint_eq(kit_drops, 4);
    kit_stop();
}
END_TEST

START_TEST(sending_to_nobody_drops_what_is_owned)
{
    tr_msg *msg;

    kit_start(1);
    kit_drops = 0;
    (void)tr_send(TR_PID_NONE, kit_parcel, .number = 1);
    (void)tr_send(TR_PID_NONE, kit_crate, .number = 1);
    (void)tr_send_value(TR_PID_NONE, kit_parcel, &(struct kit_parcel){ 2 });
    msg = tr_msg_new(kit_crate, .number = 3);
    (void)tr_send_msg(TR_PID_NONE, msg);
    msg = tr_msg_new(kit_parcel, .number = 4);
    if (tr_try_send_msg(TR_PID_NONE, msg) < 0)
        tr_msg_free(msg);
    (void)tr_forward(tr_msg_new(kit_parcel, .number = 5), TR_PID_NONE);
    (void)tr_stop(TR_PID_NONE);
    (void)tr_kill(TR_PID_NONE);
    (void)tr_register(TR_PID_NONE, "name");
    (void)tr_register(TR_PID_NONE, NULL);
    (void)tr_unregister(NULL);
    (void)tr_unregister("name");
    (void)tr_whereis(NULL);
    kit_stop();
    ck_assert_uint_eq(kit_drops, 6);
}
END_TEST

START_TEST(answers_to_nobody_and_bad_errors_are_refused)
{
    const tr_asker none = { .tr__ref = 0 };

    kit_drops = 0;
    kit_start(1);
    ck_assert_int_eq(tr_answer(none, kit_parcel, .number = 1), 0);
    ck_assert_uint_eq(kit_drops, 1);
    ck_assert_int_eq(tr_answer_error(none, -5), 0);
    ck_assert_int_eq(tr_answer_error(none, 0), TR_EINVAL);
    ck_assert_int_eq(tr_answer_error(none, INT_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_answer_error(none, INT_MIN), 0);
    kit_stop();
}
END_TEST

/* ---- in a handler ---- */

static int call_with_bad_values(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_request(self, TR_PID_NONE, NAN, 1, kit_ask, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_reply_error(self, 0), TR_EINVAL);
    ck_assert_int_eq(tr_reply_error(self, INT_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_exit(self, 1), TR_EINVAL);
    ck_assert_int_eq(tr_exit(self, INT_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_fail(self, 0), TR_EINVAL);
    ck_assert_int_eq(tr_fail(self, INT_MAX), TR_EINVAL);
    ck_assert_int_eq(tr_timer_cancel(self, 0), TR_EINVAL);
    ck_assert_int_eq(tr_timer_cancel(self, 7), 0);
    ck_assert_int_eq(tr_send_after(self, NAN, 1, kit_value, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_after(self, NAN, 1, kit_crate, .number = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, NAN, 1, kit_value, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 0, 1, kit_value, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, -1, 1, kit_value, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 0.00009, 1, kit_value, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 1, 1, kit_parcel, .number = 1), TR_EINVAL);
    ck_assert_int_eq(tr_become(self, NULL), 0);
    return 0;
}

static int call_with_long_times(tr_self *self, void *arg)
{
    static const double times[] = { INFINITY, 1e300, 1e18, 1e10, 1e9 };

    (void)arg;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int rc = tr_send_every(self, times[i], 100 + i, kit_value, .a = 1);

        ck_assert(rc == 0 || rc == TR_EINVAL);
        ck_assert_int_eq(tr_send_after(self, times[i], 0, kit_parcel, .number = 1), 0);
        ck_assert_int_eq(tr_request(self, tr_self_pid(self), times[i], 1, kit_ask, .a = 1), 0);
    }
    /* The past, and denormal times, are now. */
    ck_assert_int_eq(tr_send_after(self, -INFINITY, 0, kit_parcel, .number = 1), 0);
    ck_assert_int_eq(tr_send_after(self, 5e-324, 0, kit_parcel, .number = 1), 0);
    ck_assert_int_eq(tr_request(self, tr_self_pid(self), -INFINITY, 1, kit_ask, .a = 1), 0);
    return 0;
}

START_TEST(handlers_calls_refuse_bad_values)
{
    tr_pid puppet;

    kit_start(1);
    kit_drops = 0;
    puppet = kit_puppet(0);
    kit_in_handler(puppet, call_with_bad_values, NULL);
    ck_assert_uint_eq(kit_drops, 2);
    kit_in_handler(puppet, call_with_long_times, NULL);
    kit_stop();
    ck_assert_uint_eq(kit_drops, 9);
}
END_TEST

/* ---- inboxes and bytes ---- */

START_TEST(inbox_functions_refuse_null_and_bad_times)
{
    tr_msg *msg = (tr_msg *)(uintptr_t)1;
    tr_inbox *in;

    ck_assert_int_eq(tr_inbox_new(NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(NULL, &msg, 0), TR_EINVAL);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_fd(NULL), TR_EINVAL);
    ck_assert(tr_pid_is_none(tr_inbox_pid(NULL)));
    tr_inbox_free(NULL);
    kit_start(1);
    ck_assert_int_eq(tr_inbox_new(&in, SIZE_MAX), 0);
    ck_assert_int_eq(tr_inbox_receive(in, NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, -1), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, -INFINITY), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 5e-324), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 1), 0);
    (void)kit_expect_value(in, 1);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(request_from_an_inbox_refuses_bad_values)
{
    const struct tr_request_failed *failed;
    tr_inbox *in;
    tr_pid puppet;

    kit_start(1);
    in = kit_inbox();
    puppet = kit_puppet(0);
    ck_assert_int_eq(tr_inbox_request(NULL, puppet, 1, 1, kit_ask, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(in, puppet, NAN, 1, kit_ask, .a = 1), TR_EINVAL);
    /* Times that have passed, and nobody to ask, are told later. */
    ck_assert_int_eq(tr_inbox_request(in, puppet, -INFINITY, 1, kit_ask, .a = 1), 0);
    failed = tr_as(kit_next(in), tr_request_failed);
    ck_assert_ptr_nonnull(failed);
    ck_assert(failed->error == TR_ETIMEDOUT || failed->error == TR_EUNHANDLED);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, INFINITY, 1, kit_ask, .a = 1), 0);
    failed = tr_as(kit_next(in), tr_request_failed);
    ck_assert_ptr_nonnull(failed);
    ck_assert_int_eq(failed->error, TR_EDEAD);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(bytes_refuse_null_and_absurd_sizes)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX - 40 };
    tr_bytes *b = (tr_bytes *)(uintptr_t)1;

    ck_assert_int_eq(tr_bytes_new(NULL, "x", 1), TR_EINVAL);
    ck_assert_int_eq(tr_bytes_adopt(NULL, &b, 1, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_bytes_new(&b, NULL, 1), TR_EINVAL);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(tr_bytes_adopt(&b, NULL, 1, NULL, NULL), TR_EINVAL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int rc = tr_bytes_new(&b, "x", sizes[i]);

        ck_assert(rc == TR_EINVAL || rc == TR_ENOMEM);
        ck_assert_ptr_null(b);
    }
    ck_assert_int_eq(tr_bytes_new(&b, NULL, 0), 0);
    ck_assert_uint_eq(tr_bytes_size(b), 0);
    tr_bytes_unref(b);
    ck_assert_ptr_null(tr_bytes_ref(NULL));
    tr_bytes_unref(NULL);
    ck_assert_ptr_null(tr_bytes_data(NULL));
    ck_assert_uint_eq(tr_bytes_size(NULL), 0);
}
END_TEST

/* ---- nothing is left out ---- */

/* Append a file to text. */
static void read_into(char *text, size_t text_bytes, const char *path)
{
    size_t length = strlen(text);
    FILE *file = fopen(path, "re");

    ck_assert_msg(file != NULL, "can't read %s", path);
    length += fread(text + length, 1, text_bytes - length - 1, file);
    ck_assert_uint_lt(length, text_bytes - 1);
    text[length] = '\0';
    fclose(file);
}

/* Append all files of a folder beside or above this one. */
static void read_folder(char *text, size_t text_bytes, const char *folder, const char *ending)
{
    char path[4096];
    char file[4096 + 300];
    DIR *dir;
    const struct dirent *entry;

    (void)snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(__FILE__, '/') + 1 - __FILE__),
                   __FILE__, folder);
    dir = opendir(path);
    ck_assert_msg(dir != NULL, "can't read %s", path);
    while ((entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (length < 2 || strcmp(entry->d_name + length - 2, ending) != 0)
            continue;
        (void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        read_into(text, text_bytes, file);
    }
    closedir(dir);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
}

START_TEST(a_dump_goes_nowhere_without_a_runtime_and_says_what_can_not_be_written)
{
    FILE *unwritable = fopen("/dev/null", "r");

    ck_assert_ptr_nonnull(unwritable);
    ck_assert_int_eq(tr_dump(NULL), TR_ESHUTDOWN);
    kit_start(1);
    ck_assert_int_lt(tr_dump(unwritable), 0);
    kit_stop();
    (void)fclose(unwritable);
}
END_TEST

/* The name that a declaration declares: it stands before the first parenthesis. */
#define ATTRIBUTE "TR_API __attribute__(("

static bool name_of(const char *declaration, char *name, size_t name_bytes)
{
    size_t length;
    size_t begin;

    if (strncmp(declaration, ATTRIBUTE, strlen(ATTRIBUTE)) == 0) /* of a format */
        declaration = strstr(declaration, "))") + strlen("))");
    length = strcspn(declaration, "(;{");
    begin = length;
    if (declaration[length] != '(')
        return false;
    while (begin > 0 && is_letter(declaration[begin - 1]))
        begin--;
    ck_assert_uint_lt(length - begin, name_bytes);
    memcpy(name, declaration + begin, length - begin);
    name[length - begin] = '\0';
    return begin < length;
}

/* How a test calls it: through its macro or inline function, if it has one. */
static const char *called_as(const char *name)
{
    static const char *const others[][2] = {
        { "tr__send_small", "tr_send" },
        { "tr__send_large", "tr_send" },
        { "tr__send_typeless", "tr__send" },
        { "tr__request", "tr_request" },
        { "tr__ask_await", "tr_ask" },
        { "tr__ask_future", "tr_ask_future" },
        { "tr__reply", "tr_reply" },
        { "tr__answer", "tr_answer" },
        { "tr__send_timed", "tr_send_after" },
        { "tr__type_intern", "tr_send" },
        { "tr__as_first", "tr_as" },
        { "tr__take", "tr_take" },
        { "tr__inbox_request", "tr_inbox_request" },
        { "tr__main", "tr_main" },
        { "tr__run", "tr_run" },
        { "tr__task_submit", "tr_submit" },
        { "tr__task_spawn", "tr_task_spawn_with" },
        { "tr__scope_enter", "TR_SCOPE" },
        { "tr__scope_leave", "TR_SCOPE" },
        { "tr__scope_spawn", "tr_go" },
        { "tr__scope_start", "tr_go_start" },
        { "tr__scope_spawn_arg", "tr_scope_spawn" },
        { "tr__deadline_enter", "TR_DEADLINE" },
        { "tr__shield_enter", "TR_SHIELD" },
        { "tr__guard_leave", "TR_DEADLINE" },
        { "tr__deferred_run", "TR_DEFER" },
        { "tr__stream_new", "tr_stream_new" },
        { "tr__foreach_next", "TR_FOREACH" },
        { "tr__foreach_leave", "TR_FOREACH" },
        { "tr__rwlock_enter", "TR_READ_LOCKED" },
        { "tr__rwlock_leave", "TR_READ_LOCKED" },
        { "tr__retry", "tr_retry" },
        { "tr__lock_enter", "TR_LOCKED" },
        { "tr__lock_leave", "TR_LOCKED" },
        { "tr__completions_enter", "TR_FOREACH_COMPLETED" },
        { "tr__completions_next", "TR_FOREACH_COMPLETED" },
        { "tr__completions_leave", "TR_FOREACH_COMPLETED" },
        { "tr__map", "tr_map" },
        { "tr__map_reduce", "tr_map_reduce" },
        { "tr__parallel_for", "tr_parallel_for" },
        { "tr__call_from_thread", "tr_call_from_thread" },
        { "tr__pool_run", "tr_pool_run" },
        { "tr__pool_run_with", "tr_pool_run_with" },
        { "tr__pool_submit", "tr_pool_submit" },
        { "tr__pool_submit_with", "tr_pool_submit_with" },
        { "tr__batcher_new", "tr_batcher_new" },
        { "tr__sim_expect", "tr_sim_expect" },
        { "tr__sim_expect_nothing", "tr_sim_expect_nothing" },
        { "tr__http_route_add", "tr_http_route" },
        { "tr__db_each", "TR_DB_EACH" },
        { "tr__db_each_next", "TR_DB_EACH" },
        { "tr__db_begin", "TR_DB_TRANSACTION" },
        { "tr__db_end", "TR_DB_TRANSACTION" },
        { "tr__db_abandon", "TR_DB_TRANSACTION" },
        { "tr__pool_of_class", "tr_pool_run" }, /* it makes TR_POOL_IO and its kin */
    };
    static char call[256];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(name, others[i][0]) == 0)
            name = others[i][1];
    /* The others have a macro of their name, which passes sizes along. */
    if (strncmp(name, "tr__", 4) == 0)
        (void)snprintf(call, sizeof(call), "tr_%.128s(", name + 4);
    else
        (void)snprintf(call, sizeof(call), "%.128s(", name);
    return call;
}

/* Those of simulations can't be called here: this is another library. What is in `sync/`, and
 * the network, is called where its cases are, which run twice. */
START_TEST(every_public_function_has_a_test_of_bad_input)
{
    static char headers[1 << 20];
    static char tests[1 << 20];
    static char simulations[1 << 20];
    static char cases[1 << 20];
    static char network[1 << 20];
    static char web[1 << 20];
    static char kits[1 << 18];
    static char databases[1 << 19];
    int found = 0;

    read_folder(headers, sizeof(headers), "../../include/troupe", ".h");
    read_folder(tests, sizeof(tests), ".", ".c");
    read_folder(simulations, sizeof(simulations), "../sim", ".c");
    read_folder(cases, sizeof(cases), "../sync", ".c");
    read_folder(network, sizeof(network), "../net", ".c");
    read_folder(web, sizeof(web), "../http", ".c");
    read_folder(web, sizeof(web), "../client", ".c");
    read_folder(kits, sizeof(kits), "../http", ".h");
    read_folder(databases, sizeof(databases), "../db", ".c");
    for (const char *at = headers; (at = strstr(at, "\nTR_API ")) != NULL; at++) {
        char name[128];

        ck_assert(name_of(at + 1, name, sizeof(name)));
        ck_assert_msg(
            strstr(tests, called_as(name)) != NULL ||
                strstr(simulations, called_as(name)) != NULL ||
                strstr(cases, called_as(name)) != NULL ||
                strstr(network, called_as(name)) != NULL || strstr(web, called_as(name)) != NULL ||
                strstr(kits, called_as(name)) != NULL || strstr(databases, called_as(name)) != NULL,
            "no test of bad input calls %s", name);
        found++;
    }
    ck_assert_int_ge(found, 50);
}
END_TEST

KIT_MAIN("arguments", a_dump_goes_nowhere_without_a_runtime_and_says_what_can_not_be_written,
         every_code_has_a_sentence_and_a_name, start_refuses_figures_out_of_range,
         start_takes_the_extremes_that_are_in_range, shutdown_refuses_a_time_that_is_none,
         post_and_stats_refuse_what_is_not_there, signals_that_cant_be_caught_are_refused,
         loop_functions_refuse_other_loops, spawning_refuses_what_is_no_class_and_no_option,
         a_stop_timeout_may_be_as_long_or_short_as_a_number_can_be,
         state_that_no_machine_has_is_out_of_memory, functions_of_messages_take_null,
         message_that_no_machine_has_is_out_of_memory, sending_to_nobody_drops_what_is_owned,
         answers_to_nobody_and_bad_errors_are_refused, handlers_calls_refuse_bad_values,
         inbox_functions_refuse_null_and_bad_times, request_from_an_inbox_refuses_bad_values,
         bytes_refuse_null_and_absurd_sizes, every_public_function_has_a_test_of_bad_input)
