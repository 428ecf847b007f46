/* edge_log.c - keeps the edge's own log from growing without end.
 *
 * The edge outlives its server, so it has a file of its own (edge.log) and nobody who turns it over.
 * The one idea: only what is certainly that file is touched. Where the output goes elsewhere (a
 * terminal, journald) somebody else looks after it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/edge_inside.h"

static bool
is_output(const char *path, off_t *ret_size)
{
	struct stat file;
	struct stat output;

	if (fstat(STDOUT_FILENO, &output) != 0 || !S_ISREG(output.st_mode)
	    || stat(path, &file) != 0)
		return false;
	*ret_size = output.st_size;
	return file.st_dev == output.st_dev && file.st_ino == output.st_ino;
}

/* When the new file cannot be made, the old one goes on under its new name. */
void
edge_log_bound(const struct edge *edge)
{
	char path[EDGE_PATH_SIZE];
	char old[EDGE_PATH_SIZE];
	off_t size;
	int fd;

	edge_path(edge, "edge.log", path);
	edge_path(edge, "edge.log.1", old);
	if (!is_output(path, &size) || size < EDGE_LOG_MAX || rename(path, old) != 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}
