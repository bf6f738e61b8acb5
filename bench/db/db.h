/* What the files of db-bench share. */
#ifndef BENCH_DB_H
#define BENCH_DB_H

#include <stdbool.h>
#include <stdint.h>
#include <troupe/db.h>

enum { PATH_BYTES = 512, ROWS = 10000 };

struct run;

struct bench_case {
    const char *workload;
    const char *by;
    int tasks;
    int (*fn)(struct run *run); /* 0, or an error of troupe's */
    size_t group_most;
};

struct run {
    const struct bench_case *of;
    double seconds;
    char path[PATH_BYTES];
    tr_db *db;
    uint32_t dice;
    double until_s;
    /* The result. */
    int64_t count;
    double begun_s;
    double took_s;
    double cpu_s;
};

double now_s(void);
void begin_counting(struct run *run);
void end_counting(struct run *run);

int run_writes(struct run *run);
int run_reads(struct run *run);
int run_read_jobs(struct run *run);
int run_plain_writes(struct run *run);
int run_plain_reads(struct run *run);

#define DB_BENCH_TABLE  "create table items (id integer primary key, name text not null, n integer)"
#define DB_BENCH_INSERT "insert into items (name, n) values (?, ?)"
#define DB_BENCH_SELECT "select name, n from items where id = ?"

#endif
