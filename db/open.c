/* Opening and closing a database. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "db/database.h"
#include "db/migrate.h"
#include "db/writer.h"
#include "runtime/task.h"

enum { READERS = 4, READERS_MOST = 1000, GROUP_MOST = 256, WAITING_MOST = 10000, STATEMENTS = 64 };
#define BUSY_TIMEOUT 5.0

/* ---- what the configuration says ---- */

/* Nanoseconds; below 0, and more than can be waited for: no limit. */
static uint64_t nanoseconds(double seconds)
{
    return seconds < 0 || seconds > 1e9 ? UINT64_MAX : (uint64_t)(seconds * 1e9);
}

static int check(const tr_db_config *config)
{
    if (config->path == NULL || config->path[0] == '\0' || config->readers > READERS_MOST ||
        isnan(config->busy_timeout) || isnan(config->group_longest) ||
        (unsigned)config->durability > TR_DB_NORMAL)
        return TR_EINVAL;
    return 0;
}

/* A file whose name begins like a URI is a file all the same. */
static char *copy_path(const char *path)
{
    static const char scheme[] = "file:";
    char *copy;

    if (strncmp(path, scheme, sizeof(scheme) - 1) != 0)
        return tr__copy_string(path);
    copy = tr__alloc(strlen(path) + sizeof("./"));
    if (copy != NULL)
        (void)stpcpy(stpcpy(copy, "./"), path); /* its end is of no use */
    return copy;
}

static bool copy_text(char **copy, const char *text)
{
    *copy = text != NULL ? tr__copy_string(text) : NULL;
    return *copy != NULL || text == NULL;
}

static int readers_of(const tr_db_config *config, bool is_memory)
{
    if (is_memory)
        return 0;
    if (config->readers == 0)
        return READERS;
    if (config->readers < 0)
        return config->is_read_only ? 1 : 0; /* somebody has to */
    return config->readers;
}

static int set_options(tr__db_options *options, const tr_db_config *config)
{
    bool is_memory = strcmp(config->path, ":memory:") == 0;

    *options = (tr__db_options){
        .is_read_only = config->is_read_only && !is_memory, /* nothing would ever be in it */
        .is_memory = is_memory,
        .readers = readers_of(config, is_memory),
        .durability = config->durability,
        .busy_ns = nanoseconds(config->busy_timeout != 0 ? config->busy_timeout : BUSY_TIMEOUT),
        .group_most = config->group_most != 0 ? config->group_most : GROUP_MOST,
        .group_ns = config->group_longest > 0 ? nanoseconds(config->group_longest) : 0,
        .waiting_most = config->waiting_most != 0 ? config->waiting_most : WAITING_MOST,
        .statements = config->statements != 0 ? config->statements : STATEMENTS,
        .path = copy_path(config->path),
    };
    if (options->path == NULL || !copy_text(&options->setup, config->setup) ||
        !copy_text(&options->vfs, config->vfs))
        return TR_ENOMEM;
    return 0;
}

static void free_options(tr__db_options *options)
{
    tr__free(options->path);
    tr__free(options->setup);
    tr__free(options->vfs);
}

/* ---- opening ---- */

static void free_database(tr__database *base)
{
    (void)pthread_mutex_destroy(&base->lock); /* nobody has it */
    free_options(&base->options);
    tr__free(base);
}

static tr__database *new_database(const tr_db_config *config)
{
    tr__database *base = tr__alloc_zeroed(sizeof(*base));

    if (base == NULL)
        return NULL;
    base->face.base = base;
    base->is_idle = (tr_semaphore)TR_SEMAPHORE_INIT(0);
    (void)pthread_mutex_init(&base->lock, NULL); /* can't fail on Linux */
    if (set_options(&base->options, config) < 0) {
        free_database(base);
        return NULL;
    }
    return base;
}

/* The writer makes the file that readers find, and what their setup may speak of. */
static int open_writer(tr__database *base, const tr_db_config *config, char *why)
{
    int rc = tr__writer_open(base, why);

    if (rc < 0)
        return rc;
    rc = tr__db_migrate(base, config->migrations, why);
    if (rc < 0)
        tr__writer_close(base);
    return rc;
}

static int open_connections(tr__database *base, const tr_db_config *config, char *why)
{
    bool writes = !base->options.is_read_only;
    int rc = writes ? open_writer(base, config, why) : 0;

    if (rc < 0)
        return rc;
    rc = tr__readers_open(base, why);
    if (rc < 0) {
        tr__writer_close(base);
        return rc;
    }
    rc = writes ? 0 : tr__db_migrate(base, config->migrations, why);
    if (rc < 0)
        tr__readers_close(base);
    return rc;
}

static int open_database(tr_db **out, const tr_db_config *config)
{
    tr__database *base = new_database(config);
    char why[TR__WHY_BYTES] = "";
    int rc;

    if (base == NULL)
        return TR_ENOMEM;
    rc = open_connections(base, config, why);
    if (rc < 0) {
        tr__why_set(why);
        if (rc != TR_ECANCELED) /* which is nobody's fault */
            tr__log(TR_LOG_ERROR, "database %s: it can't be opened: %s", config->path,
                    why[0] != '\0' ? why : tr_strerror(rc));
        free_database(base);
        return rc;
    }
    *out = &base->face;
    return 0;
}

int tr__db_open(tr_db **out, const tr_db_config *config, size_t config_size)
{
    tr_db_config all = { 0 };
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (config == NULL || config_size == 0 || config_size > sizeof(all))
        return TR_EINVAL;
    memcpy(&all, config, config_size);
    rc = check(&all);
    if (rc == 0 && tr__connection_here() != NULL)
        rc = TR_EWRONGPLACE;
    return rc < 0 ? rc : open_database(out, &all);
}

/* ---- closing ---- */

/* Refuse calls from now on. 1: some are under way. */
static int begin_closing(tr__database *base)
{
    int rc = 0;

    tr__mutex_lock(&base->lock);
    if (base->held > 0 || base->is_closing)
        rc = TR_EBUSY;
    else
        base->is_closing = true;
    if (rc == 0 && base->calls > 0)
        rc = 1;
    tr__mutex_unlock(&base->lock);
    return rc;
}

/* A call may end with something held. */
static bool is_held_after_all(tr__database *base)
{
    bool is_held;

    tr__mutex_lock(&base->lock);
    is_held = base->held > 0;
    base->is_closing = !is_held;
    tr__mutex_unlock(&base->lock);
    return is_held;
}

static int close_database(tr__database *base)
{
    int rc = begin_closing(base);

    if (rc == 1) {
        rc = tr_semaphore_acquire(&base->is_idle);
        if (rc == 0 && is_held_after_all(base))
            rc = TR_EBUSY;
    }
    if (rc < 0)
        return rc;
    tr__readers_close(base);
    tr__writer_close(base);
    free_database(base);
    return 0;
}

int tr_db_close(tr_db *db)
{
    int rc = 0;

    if (db == NULL)
        return 0;
    if (db->run != NULL)
        return TR_EINVAL;
    /* What can't wait here must not begin to. */
    if (tr__connection_here() != NULL || (tr__loop_here() != NULL && tr__task_here() == NULL))
        return TR_EWRONGPLACE;
    TR_SHIELD(TR_FOREVER) {
        rc = close_database(db->base);
    }
    return rc;
}
