/* cli.h - the commands that talk to a server, the help of all commands, and the exit codes. */
#ifndef SLIPWAY_CLI_CLI_H
#define SLIPWAY_CLI_CLI_H

/* Stable: scripts rely on them; `slipway help` lists them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* a deploy did not go live, faults were found, unhealthy */
	CLI_USAGE = 2, /* the command line or the environment makes no sense */
	CLI_NOT_FOUND = 3,
	CLI_UNAUTHORIZED = 4,
	CLI_CONFLICT = 5,
	CLI_UNREACHABLE = 6, /* no server, or one that is busy */
	CLI_INVALID = 7, /* the server refused it as a bad request */
	CLI_INTERRUPTED = 130, /* Ctrl-C, as shells count it */
};

/* Runs the command and returns the exit code. Commands that the program runs by itself (serve, edge,
 * check, machines) come here with --help or wrong arguments only. */
int cli_main(int argc, char **argv);

#endif
