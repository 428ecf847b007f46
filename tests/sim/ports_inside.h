/* ports_inside.h - what the files of the simulated ports share: for ports.c, which calls the others. */
#ifndef SLIPWAY_TESTS_SIM_PORTS_INSIDE_H
#define SLIPWAY_TESTS_SIM_PORTS_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

struct actor;

/* ports_rows.c */
void rows_reset(void);
void rows_keep_tasks(const struct actor *deploy);
void rows_note_image(uint64_t deploy, bool is_pulled);
void rows_survey_images(uint64_t engine);

/* ports_asked.c */
void asked_reset(void); /* nothing is known any more */
void asked_close(void); /* the process ends, and who waited for logs with it */
void asked_pass(void); /* logs that are due */

#endif
