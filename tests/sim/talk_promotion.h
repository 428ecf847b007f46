/* talk_promotion.h - questions of promotion, and the helpers of questions.c that they use. */
#ifndef SLIPWAY_TESTS_SIM_TALK_PROMOTION_H
#define SLIPWAY_TESTS_SIM_TALK_PROMOTION_H

#include "base/str.h"

struct client;

/* questions.c */
void post_to_stage(struct client *c, const char *what, const char *body);
void post_json(struct client *c, const char *path, const char *body);
bool judge_begun(struct client *c, int status, struct str body);

void ask_promote(struct client *c);
void ask_deploy_by(struct client *c);
bool judge_promote(struct client *c, int status, struct str body);
void ask_approve(struct client *c);
void ask_reject(struct client *c);
bool judge_decision(struct client *c, int status, struct str body);
void ask_freeze(struct client *c);
void ask_unfreeze(struct client *c);
bool judge_freeze(struct client *c, int status, struct str body);

void ask_stop(struct client *c);
void ask_start(struct client *c);
void ask_restart(struct client *c);

#endif
