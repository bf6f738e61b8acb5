/* Files of a simulated disk: what is in them, what is durable of it, and the folder. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "db/sim/disk.h"

void *tr__disk_memory(void *block, size_t bytes)
{
    void *larger = realloc(block, bytes > 0 ? bytes : 1);

    TR_ASSERT(larger != NULL);
    return larger;
}

/* ---- content ---- */

/* What is behind the old end is zero. */
static void resize(tr__disk_content *content, size_t bytes)
{
    if (bytes > content->capacity) {
        content->capacity = bytes + bytes / 2;
        content->data = tr__disk_memory(content->data, content->capacity);
    }
    if (bytes > content->bytes)
        memset(content->data + content->bytes, 0, bytes - content->bytes);
    content->bytes = bytes;
}

static void put(tr__disk_content *content, const char *data, size_t bytes, size_t at)
{
    if (content->bytes < at + bytes)
        resize(content, at + bytes);
    if (bytes > 0) /* else there may be no memory at all */
        memcpy(content->data + at, data, bytes);
}

/* Only some of its sectors. */
static void put_torn(tr__disk_content *content, const tr__disk_change *change, tr__random *dice)
{
    size_t end = change->at + change->bytes;

    for (size_t at = change->at, next; at < end; at = next) {
        next = (at / TR__DISK_SECTOR + 1) * TR__DISK_SECTOR;
        if (next > end)
            next = end;
        if (tr__random_next(dice) & 1)
            put(content, change->data + (at - change->at), next - at, at);
    }
}

static void apply(tr__disk_content *content, const tr__disk_change *change)
{
    if (change->is_size)
        resize(content, change->at);
    else
        put(content, change->data, change->bytes, change->at);
}

/* ---- changes ---- */

static void add_change(tr__disk_file *file, bool is_size, const void *data, size_t bytes, size_t at)
{
    tr__disk_change *change = tr__disk_memory(NULL, sizeof(*change) + bytes);

    *change = (tr__disk_change){ .is_size = is_size, .at = at, .bytes = bytes };
    if (bytes > 0)
        memcpy(change->data, data, bytes);
    *file->last_change = change;
    file->last_change = &change->next;
    apply(&file->now, change);
}

static tr__disk_change *take_changes(tr__disk_file *file)
{
    tr__disk_change *first = file->changes;

    file->changes = NULL;
    file->last_change = &file->changes;
    return first;
}

size_t tr__disk_read(const tr__disk_file *file, void *to, size_t bytes, size_t at)
{
    size_t there = at < file->now.bytes ? file->now.bytes - at : 0;

    if (there > bytes)
        there = bytes;
    if (there > 0)
        memcpy(to, file->now.data + at, there);
    memset((char *)to + there, 0, bytes - there);
    return there;
}

void tr__disk_write(tr__disk_file *file, const void *data, size_t bytes, size_t at)
{
    if (bytes > 0)
        add_change(file, false, data, bytes, at);
}

void tr__disk_resize(tr__disk_file *file, size_t bytes)
{
    add_change(file, true, NULL, 0, bytes);
}

void tr__disk_sync(tr__disk_file *file)
{
    tr__disk_change *next;

    for (tr__disk_change *change = take_changes(file); change != NULL; change = next) {
        next = change->next;
        apply(&file->durable, change);
        free(change);
    }
}

static void free_changes(tr__disk_change *change)
{
    while (change != NULL) {
        tr__disk_change *next = change->next;

        free(change);
        change = next;
    }
}

/* The others are still to be kept by the next one; or never will be, for so does Linux: it calls
 * pages clean whose write has failed. */
void tr__disk_sync_badly(tr_sim_disk *disk, tr__disk_file *file)
{
    for (const tr__disk_change *change = file->changes; change != NULL; change = change->next)
        if (tr__random_next(&disk->dice) & 1)
            apply(&file->durable, change);
    if (tr__random_next(&disk->dice) & 1)
        free_changes(take_changes(file));
}

size_t tr__disk_used(const tr_sim_disk *disk)
{
    size_t bytes = 0;

    for (const tr__list *at = disk->files.next; at != &disk->files; at = at->next)
        bytes += TR__CONTAINER_OF(at, const tr__disk_file, link)->now.bytes;
    return bytes;
}

/* ---- the folder ---- */

tr__disk_file *tr__disk_find(tr_sim_disk *disk, const char *name)
{
    for (tr__list *at = disk->files.next; at != &disk->files; at = at->next) {
        tr__disk_file *file = TR__CONTAINER_OF(at, tr__disk_file, link);

        if (file->is_listed && strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

static void list(tr_sim_disk *disk, tr__disk_file *file, bool is_listed)
{
    tr__disk_entry *entry = tr__disk_memory(NULL, sizeof(*entry));

    *entry = (tr__disk_entry){ .file = file, .is_listed = is_listed };
    *disk->last_entry = entry;
    disk->last_entry = &entry->next;
    file->entries++;
    file->is_listed = is_listed;
}

tr__disk_file *tr__disk_make(tr_sim_disk *disk, const char *name)
{
    tr__disk_file *file = tr__disk_memory(NULL, sizeof(*file));

    memset(file, 0, sizeof(*file));
    file->last_change = &file->changes;
    tr__list_init(&file->handles);
    tr__list_append(&disk->files, &file->link);
    strncpy(file->name, name, TR__DISK_NAME_BYTES - 1);
    if (*name != '\0')
        list(disk, file, true);
    return file;
}

void tr__disk_delete(tr_sim_disk *disk, tr__disk_file *file)
{
    if (file->is_listed)
        list(disk, file, false);
    tr__disk_collect(disk);
}

/* The first so many entries are durable now, and none is pending. */
static void settle_folder(tr_sim_disk *disk, uint64_t kept)
{
    tr__disk_entry *next;

    for (tr__disk_entry *entry = disk->entries; entry != NULL; entry = next) {
        next = entry->next;
        entry->file->entries--;
        if (kept > 0) {
            entry->file->is_listed_durably = entry->is_listed;
            kept--;
        }
        free(entry);
    }
    disk->entries = NULL;
    disk->last_entry = &disk->entries;
}

void tr__disk_sync_folder(tr_sim_disk *disk)
{
    settle_folder(disk, UINT64_MAX);
    tr__disk_collect(disk);
}

/* One that is off the list. */
static void free_file(tr__disk_file *file)
{
    free_changes(take_changes(file));
    free(file->now.data);
    free(file->durable.data);
    free(file);
}

void tr__disk_collect(tr_sim_disk *disk)
{
    for (tr__list *at = disk->files.next, *next; at != &disk->files; at = next) {
        tr__disk_file *file = TR__CONTAINER_OF(at, tr__disk_file, link);

        next = at->next;
        if (!file->is_listed && !file->is_listed_durably && file->entries == 0 &&
            file->references == 0) {
            tr__list_remove(&file->link);
            free_file(file);
        }
    }
}

void tr__disk_free_all(tr_sim_disk *disk)
{
    settle_folder(disk, 0);
    for (tr__list *at = disk->files.next, *next; at != &disk->files; at = next) {
        tr__disk_file *file = TR__CONTAINER_OF(at, tr__disk_file, link);

        next = at->next;
        TR_ASSERT(file->references == 0); /* a database is open */
        free_file(file);
    }
    tr__list_init(&disk->files);
}

/* ---- the power ---- */

typedef enum mood { ALL_KEPT, ALL_LOST, BY_DICE } mood;

static void settle_file(tr_sim_disk *disk, tr__disk_file *file, mood how)
{
    tr__disk_change *next;

    for (tr__disk_change *change = take_changes(file); change != NULL; change = next) {
        uint64_t fate = how == BY_DICE ? tr__random_next(&disk->dice) % 3 : (uint64_t)how;

        next = change->next;
        if (fate == ALL_KEPT)
            apply(&file->durable, change);
        else if (fate == BY_DICE && !change->is_size)
            put_torn(&file->durable, change, &disk->dice);
        free(change);
    }
    resize(&file->now, 0);
    put(&file->now, file->durable.data, file->durable.bytes, 0);
}

/* Dead ones never look at their links. */
static void forget_handles(tr__disk_file *file)
{
    tr__list_init(&file->handles);
    file->shared = NULL; /* its users' alone */
}

static uint64_t count_entries(const tr_sim_disk *disk)
{
    uint64_t count = 0;

    for (const tr__disk_entry *entry = disk->entries; entry != NULL; entry = entry->next)
        count++;
    return count;
}

void tr_sim_disk_cut_power(tr_sim_disk *disk)
{
    static const mood moods[] = { ALL_KEPT, ALL_LOST, BY_DICE, BY_DICE };
    mood how;

    if (disk == NULL)
        return;
    how = moods[tr__random_next(&disk->dice) % 4];
    settle_folder(disk, tr__random_next(&disk->dice) % (count_entries(disk) + 1));
    for (tr__list *at = disk->files.next; at != &disk->files; at = at->next) {
        tr__disk_file *file = TR__CONTAINER_OF(at, tr__disk_file, link);

        settle_file(disk, file, how);
        forget_handles(file);
        file->is_listed = file->is_listed_durably;
    }
    disk->boot++;
    disk->figures.cuts++;
    tr__disk_collect(disk);
}
