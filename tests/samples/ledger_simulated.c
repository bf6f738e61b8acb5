/* The ledger, whole, in a simulation: its HTTP server on a network that resets, parts and delays,
 * its accounts as actors, its SQLite on a disk that is full, slow, fails, or loses its power; and
 * customers (ledger/customers.h) and followers of its feed (ledger/followers.h), who remember
 * (ledger/books.h) while it is begun again on what the disk has kept.
 *
 *     a life of it:   begins, now and then in trouble (ledger/troubles.h);
 *                     serves, is in trouble, serves again by itself, some times over;
 *                     is stopped, or loses its power, under load.
 *     after each:     the database is compared with what was answered.
 *     the last life:  nothing fails; who follows sees all; and all holds, says the ledger, too. */
#include <string.h>
#include <troupe/check.h>

#include "samples/ledger/followers.h"
#include "samples/ledger/service.h"
#include "samples/ledger/troubles.h"
#include "support/suite.h"

enum { LIVES = 2, FOLLOWERS = 2 };
#define PATIENCE_SECONDS 180.0 /* within which it must serve again */

static const struct options options = { .listen = ADDRESS,
                                        .db = "ledger.db",
                                        .accounts = SHARED,
                                        .idle = 5,
                                        .patience = 3,
                                        .hash_cost = 2,
                                        .auth = true };

static struct service service;
static tr_sim_disk *disk;
static weather sky;
static bool is_up, is_ending;
static customer customers[CUSTOMERS + 1];
static follower followers[FOLLOWERS];

/* ---- the ledger ---- */

static void tell(const struct options *o, const char *address)
{
    MUST(o == &options && strcmp(address, ADDRESS) == 0);
    is_up = true;
}

static int run_ledger(void)
{
    int rc = service_begin(&service, &options), ended;

    MUST(rc != TR_ECORRUPT);
    if (rc == 0)
        rc = service_serve(&service, tell);
    ended = service_end(&service);
    MUST(ended == 0);
    return rc;
}

/* As a supervisor does: where it can't begin, it is tried again. */
static int keep_ledger(void *unused)
{
    (void)unused;
    while (!is_ending && !is_up) {
        (void)run_ledger();
        if (tr_sleep(0.5) < 0)
            break;
    }
    return 0;
}

/* ---- those who ask ---- */

static int be_customer(void *arg)
{
    customer_ask(arg);
    return 0;
}

typedef struct crowd {
    tr_http_client *client;
    tr_task *customers[CUSTOMERS];
    tr_task *followers[FOLLOWERS];
    tr_task *ledger;
} crowd;

/* While nothing fails yet. */
static void gather(crowd *all)
{
    static const tr_task_fn follow[FOLLOWERS] = { follow_by_websocket, follow_by_events };

    MUST(tr_http_client_new(&all->client, &(tr_http_client_config){
                                              .base = "http://" ADDRESS,
                                              .proxy = "",
                                              .is_uncompressed = tr_sim_random() % 2 == 0 }) == 0);
    for (int i = 0; i <= CUSTOMERS; i++) {
        customers[i].number = i;
        customers[i].client = all->client;
        customers[i].weather = &sky;
    }
    for (int i = 0; i < CUSTOMERS; i++)
        MUST(tr_task_spawn_on(&all->customers[i], TR_LOOP(i % 2), be_customer, &customers[i]) == 0);
    for (int i = 0; i < FOLLOWERS; i++) {
        followers[i].client = all->client;
        followers[i].weather = &sky;
        MUST(tr_task_spawn_on(&all->followers[i], TR_LOOP(i % 2), follow[i], &followers[i]) == 0);
    }
    MUST(tr_task_spawn_on(&all->ledger, TR_LOOP(0), keep_ledger, NULL) == 0);
}

static void end_task(tr_task *task)
{
    (void)tr_task_cancel(task); /* it may have ended */
    MUST(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
}

static void end_customers(crowd *all)
{
    sky.is_over = true;
    for (int i = 0; i < CUSTOMERS; i++) {
        MUST(tr_task_wait(all->customers[i], TR_FOREVER) == 0);
        tr_task_unref(all->customers[i]);
    }
}

static void end_ledger(crowd *all)
{
    is_ending = true;
    end_task(all->ledger);
}

static void part(crowd *all)
{
    for (int i = 0; i < FOLLOWERS; i++)
        end_task(all->followers[i]);
    tr_http_client_unref(all->client);
}

/* ---- a life ---- */

static void wait_up_to(double seconds)
{
    MUST(tr_sleep(seconds * (double)(tr_sim_random() % 1000) / 1000) == 0);
}

static void begin_life(crowd *all, bool is_peaceful)
{
    for (int i = 0; i < FOLLOWERS; i++)
        followers[i].is_fickle = !is_peaceful;
    sky = (weather){ 0 };
    is_up = is_ending = false;
    troubles_end(disk);
    gather(all);
    MUST(tr_sleep(0.001) == 0); /* all have begun before anything fails */
}

/* Some trouble, after which it serves again. */
static void live_through_trouble(void)
{
    if (tr_sim_random() % 6 == 0)
        troubles_lock(options.db, (double)(tr_sim_random() % 6));
    else {
        troubles_begin(disk, &sky);
        wait_up_to(10);
        troubles_end(disk);
    }
    customer_insist(&customers[DIRECTOR], PATIENCE_SECONDS);
}

/* Under load: customers ask on, meet one who has no disk any more, then nobody. */
static void end_life(crowd *all)
{
    wait_up_to(1);
    if (tr_sim_random() % 3 != 0) {
        tr_sim_disk_cut_power(disk);
        wait_up_to(0.3);
    }
    end_ledger(all);
    wait_up_to(0.5);
    end_customers(all);
    part(all);
}

/* What the disk has, read without the ledger. */
static void compare(void)
{
    const record *const records[FOLLOWERS] = { &followers[0].record, &followers[1].record };
    tr_db *db;

    MUST(tr_db_open(&db, &(tr_db_config){ .path = options.db, .readers = 1 }) == 0);
    books_compare(db, records, FOLLOWERS);
    MUST(tr_db_close(db) == 0);
}

static int live(void *unused)
{
    crowd all;

    (void)unused;
    begin_life(&all, false);
    for (int i = (int)(tr_sim_random() % 3); i >= 0; i--)
        live_through_trouble();
    end_life(&all);
    compare();
    return 0;
}

static void followers_must_see_all(void)
{
    const double end = tr_sim_now() + PATIENCE_SECONDS;

    for (int i = 0; i < FOLLOWERS; i++)
        while (followers[i].record.last < 2 * books_newest()) {
            MUST(tr_sim_now() < end);
            MUST(tr_sleep(0.1) == 0);
        }
}

/* Who has caught up once stays connected, and sees all. */
static void follow_in_peace(crowd *all)
{
    int connections[FOLLOWERS];

    followers_must_see_all();
    for (int i = 0; i < FOLLOWERS; i++)
        connections[i] = followers[i].connections;
    wait_up_to(3);
    end_customers(all);
    followers_must_see_all();
    for (int i = 0; i < FOLLOWERS; i++)
        MUST(followers[i].connections == connections[i]);
}

static int live_in_peace(void *unused)
{
    crowd all;

    (void)unused;
    begin_life(&all, true);
    customer_insist(&customers[DIRECTOR], PATIENCE_SECONDS);
    follow_in_peace(&all);
    customer_must_find_books_right(&customers[0]);
    end_ledger(&all);
    part(&all);
    compare();
    return 0;
}

/* ---- the tests ---- */

static void be_quiet(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

/* Each life has a runtime of its own, as a process has: so nothing but the disk outlives it. */
static void run_lives(void *unused)
{
    const tr_config config = { .loops = 2, .signals = -1 };

    books_clear();
    memset(customers, 0, sizeof(customers));
    memset(followers, 0, sizeof(followers));
    MUST(tr_sim_disk_new(&disk) == 0);
    for (int i = 0; i < LIVES; i++)
        MUST(tr_run(live, unused, &config) == 0);
    MUST(tr_run(live_in_peace, unused, &config) == 0);
    tr_sim_disk_free(disk);
}

/* More of them: TROUPE_ROUNDS. */
static uint64_t seeds(void)
{
    const char *many = getenv("TROUPE_ROUNDS");

    return many != NULL ? strtoull(many, NULL, 10) : SEEDS / 3 + 1;
}

START_TEST(what_was_answered_is_kept_whatever_fails)
{
    const tr_sim_options sim = {
        .seed = 1, .late = 0.02, .stall = 0.002, .slow_job = 0.02, .time_limit = 2000
    };

    tr_log_set(be_quiet, NULL);
    ck_assert_int_eq(tr_sim_explore(run_lives, NULL, seeds(), &sim), 0);
}
END_TEST

SUITE_MAIN("samples/ledger", what_was_answered_is_kept_whatever_fails)
