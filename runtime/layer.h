/* What stands on the runtime: actors. The runtime calls it through this table and never includes
 * it; the one instance is defined above (actors/layer.c). */
#ifndef TR_RUNTIME_LAYER_H
#define TR_RUNTIME_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "mailbox/parcel.h"
#include "runtime/runnable.h"

typedef struct tr__layer {
    size_t loop_bytes; /* of the struct that begins with a tr__loop, a loop; zeroed */
    /* Before the loops are made, and after they are gone. 0 or an error; on error all is undone. */
    int (*start)(void);
    void (*stop)(void);
    /* For each loop, by the thread that starts or stops the runtime: no loop runs. */
    int (*loop_init)(tr__loop *loop);
    void (*loop_fini)(tr__loop *loop);
    /* On the loop: a parcel has come from a loop, or has entered from a foreign thread. false: no
     * memory just now; it will be offered again. */
    bool (*arrive)(tr__loop *loop, const tr__parcel *parcel);
    bool (*enter)(tr__loop *loop, const tr__parcel *parcel);
    /* On the loop: a shutdown has begun; end what lives here, soon, but for those who are to hear
     * the last words of others. */
    void (*halt)(tr__loop *loop);
    /* On the loop: whether all those have ended. */
    bool (*is_halted)(const tr__loop *loop);
    /* On the loop: the last words of all loops have landed; end the rest, soon. Called until it
     * returns true: nothing lives here any more. */
    bool (*clear)(tr__loop *loop);
    /* Any thread: what the loop is doing now, for people, into text. */
    void (*describe)(const tr__loop *loop, char *text, size_t text_bytes);
} tr__layer;

extern const tr__layer tr__upper_layer;

#endif
