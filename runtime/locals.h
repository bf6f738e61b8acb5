/* Values that belong to a task, and that its children inherit: a table that is never changed, so
 * that parent and children share it, wherever they run. Whoever sets a value makes a table of his
 * own. Tables are short: they are searched one by one. */
#ifndef TR_RUNTIME_LOCALS_H
#define TR_RUNTIME_LOCALS_H

#include "runtime/task.h"

typedef struct tr__locals tr__locals;

/* The caller's table, for a child of his, with a reference; NULL: there is none. Any thread. */
tr__locals *tr__locals_inherit(void);
/* Give back a reference; not NULL. Any thread. */
void tr__locals_unref(tr__locals *locals);

#endif
