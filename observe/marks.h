/* High-water marks of stacks, by the name of the task (an actor's, by that of its class): how much
 * of its stack it has used at most.
 *
 * In debug mode a stack is zero below what was used since it was taken: fresh memory is, and what
 * was used is zeroed when the stack comes back. So the lowest word that is not zero then tells how
 * deep it was.
 *
 * Nothing is known under valgrind, which has its own opinion about what lies below the stack
 * pointer; nor of tasks that still run.
 *
 * Threads: any. */
#ifndef TR_OBSERVE_MARKS_H
#define TR_OBSERVE_MARKS_H

#include <stdio.h>

#include "runtime/stack.h"

/* When debug mode begins and ends. 0, or TR_ENOMEM. */
int tr__marks_open(void);
void tr__marks_close(void);

/* A task's stack comes back; its fiber is still on it. */
void tr__marks_take(tr__stack *stack);

/* Warn of those that have used more than three quarters. */
void tr__marks_warn(void);

/* All of them, a line each, the fullest first; nothing when debug mode is off. */
void tr__marks_print(FILE *out);

#endif
