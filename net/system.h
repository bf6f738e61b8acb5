/* The seam of this room: every system call that net/ and http/ make, as a function that returns 0
 * or more, or -errno. Where the library can fail (TR__FAULTS), each asks first whether it is to.
 *
 * Descriptors are non-blocking and closed on exec, whoever makes them. Writes to what the other
 * side has closed are TR_EPIPE, and no signal. */
#ifndef TR_NET_SYSTEM_H
#define TR_NET_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

int tr__sys_socket(int family, int type);
/* What answers questions about sockets (sock_diag(7)). */
int tr__sys_open_diagnosis(void);
/* Whether somebody has begun to connect to the port of a listening socket, and has not finished.
 * false, too, where the system does not say. */
bool tr__sys_has_handshakes(int fd);
int tr__sys_socketpair(int ends[2]);
int tr__sys_pipe(int ends[2]);
/* Let a pipe hold so many bytes (at most INT_MAX), as far as the system lets it: how many it
 * does. */
size_t tr__sys_pipe_grow(int fd, size_t bytes);
/* -EINPROGRESS: wait until it is writable, then ask tr__sys_socket_error. */
int tr__sys_connect(int fd, const struct sockaddr *address, socklen_t bytes);
/* What has become of a connection that was in progress: 0, or why not. */
int tr__sys_socket_error(int fd);
int tr__sys_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int tr__sys_listen(int fd, int backlog);
/* The new descriptor. -EAGAIN: nobody waits. */
int tr__sys_accept(int fd, struct sockaddr_storage *from, socklen_t *from_bytes);
int tr__sys_shutdown(int fd, int how);
int tr__sys_set_option(int fd, int level, int name, int value);
int tr__sys_local_name(int fd, struct sockaddr_storage *name, socklen_t *bytes);
int tr__sys_peer_name(int fd, struct sockaddr_storage *name, socklen_t *bytes);
/* Drop what a classic BPF program refuses; as a courtesy: where it can't be done, nothing is. */
struct sock_filter;
void tr__sys_attach_filter(int fd, struct sock_filter *program, size_t count);
int tr__sys_set_mode(const char *path, unsigned mode);
/* Which file it is; zeros: none. While it is open or bound, no other has these numbers. */
typedef struct tr__file_id {
    dev_t device;
    ino_t inode;
} tr__file_id;
/* What is at a path, links not followed. */
tr__file_id tr__sys_identify(const char *path);
/* As far as it is there, it is gone. */
void tr__sys_unlink(const char *path);
/* Another number of the same. */
int tr__sys_dup(int fd);
/* Never fails as far as the caller can do anything: the descriptor is gone. */
void tr__sys_close(int fd);
/* Let a descriptor of the program's be as ours are. */
int tr__sys_set_nonblocking(int fd);
bool tr__sys_is_socket(int fd);
bool tr__sys_is_folder(const char *path);
bool tr__sys_is_socket_file(const char *path);
/* A file, to be read. */
int tr__sys_open_read(const char *path);

/* -EAGAIN: nothing can be moved just now. 0 of a read: the end. */
ssize_t tr__sys_recv(int fd, void *buffer, size_t bytes);
/* Whether a byte could be received, which stays: 1; 0 at the end. */
int tr__sys_peek(int fd);
ssize_t tr__sys_send(int fd, const void *data, size_t bytes);
ssize_t tr__sys_sendmsg(int fd, const struct msghdr *message);
ssize_t tr__sys_recvmsg(int fd, struct msghdr *message);
/* The same for what is no socket. */
ssize_t tr__sys_read(int fd, void *buffer, size_t bytes);
ssize_t tr__sys_writev(int fd, const struct iovec *parts, int count);
/* From a pipe, or into one, without a copy; offset, which is moved on, is that of a file, else
 * NULL. A file is waited for: only threads of the pool may read it so. */
ssize_t tr__sys_splice(int from, int64_t *offset, int to, size_t bytes);

/* ---- time ---- */

/* Nanoseconds of the calendar's clock (UTC, since 1970). */
uint64_t tr__sys_wall_ns(void);

#endif
