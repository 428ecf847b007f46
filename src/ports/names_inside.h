/* names_inside.h - what the files of names share; nobody else includes it. */
#ifndef SLIPWAY_PORTS_NAMES_INSIDE_H
#define SLIPWAY_PORTS_NAMES_INSIDE_H

#include <sys/socket.h>

#include "ports/names.h"

void names_add(struct names *names, const struct name_target *target); /* then sort */
void names_sort(struct names *names);
/* Where the stage's targets begin, or would. */
size_t names_find(const struct names *names, uint64_t stage);
/* "127.0.0.1:8953" for bind(); the size, 0 when it is no such thing. */
socklen_t names_socket_address(const char *listen, struct sockaddr_storage *ret);
/* names_file.c: may it stand in a name? */
bool names_is_mark(struct str text);

#endif
