/* Programs, inside. */
#ifndef TR_NET_PROCESS_H
#define TR_NET_PROCESS_H

#include <troupe/process.h>

/* As tr__process_spawn; *out is set on success. */
int tr__process_start(tr_process **out, const char *const *argv, const tr_process_options *options);

#endif
