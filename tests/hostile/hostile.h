/* Hostile clients: a real server in a process of its own is attacked by another one, while a third
 * asks what a good client asks.
 *
 *     main.c ---- starts ----> server.c    what is attacked
 *       |  '------ starts ---> guest.c     a good client: each of its answers must be the right one
 *       |  '------ starts ---> crowd.c     the connections of an attack, one of attacks.c
 *       '-- looks at the server's memory meanwhile (memory.c), and judges, when all have reported
 *
 * Each process is started by a fork of one that has no other threads, and tells what it has seen
 * through a pipe. */
#ifndef TR_TESTS_HOSTILE_H
#define TR_TESTS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- for all ---- */

/* Print why, as printf does, and exit with 1. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *allocate(size_t bytes);
double now_s(void);

/* ---- attacks.c ---- */

typedef struct script {
    const char *bytes;
    size_t count;
    size_t ends[8]; /* where each of its requests ends; 0: no more */
} script;

/* What a connection does when it has sent all. */
typedef enum ending {
    WAITS,       /* until the server closes */
    HALF_CLOSES, /* and waits */
    RESETS,
    VANISHES, /* closes */
    HOLDS     /* says so when all are there, and waits */
} ending;

enum { TEXTS = 16, STATUSES = 8 };

typedef struct attack {
    const char *name;
    const script *texts; /* connection i sends texts[i % text_count], */
    int text_count;
    bool is_cut;          /* and only so many bytes of it: i % (count + 1); */
    script stream;        /* then this, again and again, */
    uint64_t stream_most; /* so many bytes */
    bool trickles;        /* one by one, */
    bool is_deaf;         /* and reads nothing until the server must have given up */
    ending ending;
    long one_of;        /* of the connections; 1: as many as are asked for */
    long most;          /* connections; 0: any number */
    int may[STATUSES];  /* what may be answered */
    bool may_be_silent; /* a connection may end without an answer */
    bool may_be_reset;  /* the server closes although more is coming */
    bool is_counted;    /* each whole request must have been answered with 200 */
    size_t bytes_each;  /* of the server's memory for a connection, at most */
} attack;

/* All of them; is_short: as a test. The texts last for ever. */
const attack *attacks_make(bool is_short, int *count);

/* ---- crowd.c ---- */

enum { CODES = 5000 };

typedef struct crowd_report {
    uint32_t heard[CODES]; /* by status, or code of a WebSocket's end */
    uint64_t sent;         /* bytes */
    uint64_t whole;        /* requests that were sent whole */
    uint32_t opened, closed, reset, left;
    uint32_t silent; /* ended by the server, without an answer */
} crowd_report;

/* The times that the server gives them. */
typedef struct patience {
    double head, body, write;
} patience;

/* Attack; `told` is written to when all that hold are there, and then with the report. */
__attribute__((noreturn)) void crowd_run(const attack *a, long count, int port, int source,
                                         const patience *times, int told);

/* ---- ear.c: answers, as a client hears them ---- */

typedef struct ear {
    int matched; /* of "HTTP/1.1 " and the three digits */
    int code;
    bool is_upgraded;
    int blank; /* of the empty line at the end of the handshake */
    int at;    /* of a frame */
    int opcode, bytes, reason;
    uint32_t answers;
} ear;

/* Tell each status, and the code of each frame that says goodbye. */
void ear_hear(ear *e, const char *data, size_t bytes, uint32_t heard[CODES]);

/* ---- guest.c ---- */

typedef struct guest_report {
    uint64_t right, wrong;
    double worst_s;
} guest_report;

/* Ask until `stop` ends, then tell. */
__attribute__((noreturn)) void guest_run(int port, int stop, int told);
/* Ask once for a path, from a connection of its own: the status, or -1; the body as a text. */
int guest_ask(int port, const char *path, char *body, size_t room);

/* ---- server.c ---- */

/* Serve; writes the port to `told`. */
int server_run(const patience *times, int told);

/* ---- memory.c ---- */

/* Anonymous memory of a process that is resident, in bytes. */
long memory_resident(pid_t pid);

#endif
