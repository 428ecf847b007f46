/* registry_parts.h - what the files of the registry port share; nobody else includes it.
 *
 * A task is one effect. It asks questions: one HTTP request each, with whatever logins that takes.
 * Questions go to a site: one registry with one login, its line, its gate and its budget. Tasks that
 * list the tags of one repository at the same time share one tag list. */
#ifndef SLIPWAY_PORTS_REGISTRY_PARTS_H
#define SLIPWAY_PORTS_REGISTRY_PARTS_H

#include "base/hash.h"
#include "config/image.h"
#include "config/tag_policy.h"
#include "ports/ecr.h"
#include "ports/fetch.h"
#include "ports/password.h"
#include "ports/registry.h"
#include "ports/registry_headers.h"
#include "ports/registry_tokens.h"
#include "store/catalog.h"

enum priority { PRIORITY_DEPLOY, PRIORITY_POLL, PRIORITY_COUNT };

enum { QUESTION_URL_MAX = 4096 };

/* Sites: registry_site.c */

struct line {
	struct question *first;
	struct question **end;
	uint32_t count;
};

struct site {
	struct registry *registry;
	struct site *next;
	struct registry_config config; /* as of the latest task */
	char server[DOMAIN_SIZE + 16]; /* where the API is: host and port */
	struct registry_status status;
	struct line lines[PRIORITY_COUNT];
	uint32_t active[PRIORITY_COUNT];
	uint32_t users; /* tasks and tag lists that point here */
	uint32_t failures; /* in a row */
	int64_t rest_until_ms; /* polls get the last trouble as an answer until then */
	struct challenge challenge; /* how it wants to be asked, as far as known */
	int64_t refused_until_ms; /* the login was refused: not tried again before */
	char refused[HASH_HEX_SIZE]; /* hash of that login */
	bool is_troubled; /* its trouble is in the log already */
};

/* The site for an image's host as configured now; NULL: too many are in use. site_leave() it. */
struct site *site_enter(struct registry *registry, const struct image_ref *image);
void site_leave(struct site *site);
void sites_free(struct registry *registry);

void site_join_line(struct site *site, struct question *question);
void site_leave_line(struct site *site, struct question *question);

/* Starts what may start. */
void site_pump(struct site *site);

/* May a question of that priority leave now? Else why not, and when. */
bool site_admits(
    struct site *site, enum priority priority, int64_t *ret_after_ms, char why[REASON_SIZE]);

/* What answers teach. is_down: it was not reached at all. */
void site_note_budget(struct site *site, const struct fetch_transfer *transfer);
void site_note_ok(struct site *site);
void site_note_trouble(struct site *site, const char *why, bool is_down);
void site_close_gate(struct site *site, int64_t after_ms);

/* Logins: registry_login.c */

struct login {
	char password[PASSWORD_SIZE];
	char hash
	    [HASH_HEX_SIZE]; /* of user and password together: tells whether they were changed */
};

/* Reads the password of the site's user; asked only when the site has one. -1: err says why it cannot
 * be had, or that it was refused a moment ago. Wipe it with login_wipe(). */
int login_read(const struct site *site, struct login *login, struct err *err) MUST_USE;
void login_wipe(struct login *login);

/* The registry said no to the login of that hash: it is not tried again at once. */
void login_refused(struct site *site, const char hash[HASH_HEX_SIZE]);

/* What a person should do about a missing or refused login. */
void login_explain(const struct site *site, char why[REASON_SIZE]);

/* The URL that gives a token for the challenge and scope. -1: the realm may not be asked, see err. */
int login_token_url(
    const struct site *site, const char *scope, struct buf *url, struct err *err) MUST_USE;

/* The token in an answer, which may be used for life_ms. Free it with token_free(). NULL: there is
 * none. */
char *login_take_token(struct str body, int64_t *ret_life_ms) MUST_USE;
void token_free(char *token); /* wipes it; NULL allowed */

/* Questions: registry_question.c */

struct question_answer {
	int status; /* of HTTP; neither 401, 403, 429 nor 5xx. 0: see below */
	struct str body;
	const struct fetch_transfer *transfer;

	enum event_kind kind; /* status 0: REFUSED or TROUBLED ... */
	int64_t after_ms;
	const char *why; /* ... because */
	bool is_known; /* the registry's own trouble, which was logged already */
};

typedef void question_done_fn(void *context, const struct question_answer *answer);

struct question_request {
	struct site *site;
	enum priority priority;
	const char *repository;
	const char *url;
	const char *method;
	const char *accept;
	size_t body_max;
	question_done_fn *on_done; /* comes from a later turn; the question is gone then */
	void *context;
};

struct question {
	struct site *site;
	struct question *next; /* in line */
	struct question **link;
	enum priority priority;
	bool is_started; /* out of its line */
	struct fetch_transfer *transfer; /* NULL: waits for its turn, or for a password */
	struct ecr_wait *wait;
	char repository[IMAGE_SIZE];
	char scope[512];
	char *url;
	const char *method;
	const char *accept;
	size_t body_max;
	char *token; /* fetched for this question */
	char hash[65]; /* of the login that was sent; "" when none was */
	bool was_challenged;
	bool has_sent_basic;
	question_done_fn *on_done;
	void *context;
};

/* The kinds of manifest that an image may have. */
extern const char manifest_accept[];

struct question *question_ask(const struct question_request *request);
void question_cancel(struct question *question); /* NULL allowed */

/* For the line: its turn has come, or it may not leave. */
void question_start(struct question *question);
void question_turn_away(struct question *question, int64_t after_ms, const char *why);

/* Gives the answer and ends the question; no transfer is under way any more. */
void question_finish(struct question *question, const struct question_answer *answer);

/* Ends that are no answer: registry_trouble.c. who: "", or "the token server of ". */

/* No HTTP answer came. */
void trouble_unreached(
    struct question *question, const struct fetch_result *result, const char *who);
/* 429 and 5xx. */
void
trouble_slow(struct question *question, const struct fetch_result *result, const char *who);
/* A login is missing, or was refused as such. */
void trouble_login(struct question *question);
/* The login is good, but not for this repository. */
void trouble_rights(struct question *question, const struct fetch_result *result);
/* The registry as a whole is in trouble. is_down: nobody was reached. */
void trouble_site(struct question *question, enum event_kind kind, bool is_down,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* The code and message of the first error in an answer's body; "" when it has none. */
void trouble_read(struct str body, char code[64], char message[128]);

/* Tasks: registry.c */

struct task {
	struct registry *registry;
	struct task *next;
	struct task **link;
	struct effect effect;
	struct image_ref image; /* its tag or digest is what is asked for, once known */
	struct tag_policy *policy; /* the stage's; NULL: nobody asks it */
	bool is_by_person; /* RESOLVE */
	bool is_awaited; /* RESOLVE: a webhook named the tag a moment ago */
	struct candidate *candidates[TAGS_TRIED_MAX]; /* the newest first */
	uint32_t candidate_count;
	uint32_t candidate_at; /* the next one to try */
	struct tag_marks marks;
	struct tag_judged seen; /* of the marks */
	struct tag_judged live;
	struct explanation *explanation; /* NULL: an effect */
	char project[NAME_SIZE];
	char stage[NAME_SIZE];
	struct site *site;
	struct question *question;
	bool has_got; /* HEAD was of no use: GET */
	struct tag_list *list;
	struct task *list_next;
};

struct registry {
	struct port_host host;
	struct loop_timer *soon; /* pumps in the next turn */
	struct site *sites;
	uint32_t site_count;
	struct tokens *tokens;
	struct task *tasks;
	struct tag_list *lists;
	struct inquiry *inquiries;
	struct look *looks;
};

/* Of the port's end: nobody is answered any more. registry_inquiry.c */
void inquiries_free(struct registry *r);
void looks_free(struct registry *r); /* registry_look.c */

/* Of manifests, one or of several platforms. */
extern const char manifest_accept[];

/* Takes the explanation over; NULL: the effect is answered. */
void
task_begin(struct registry *r, const struct effect *effect, struct explanation *explanation);
void task_free(struct task *task);
enum priority task_priority(const struct task *task);
/* Both end the task. */
void task_succeed(struct task *task, const char *digest);
void task_fail(struct task *task, enum event_kind kind, int64_t after_ms, const char *format,
    ...) PRINTF_LIKE(4, 5);
void task_fail_as(struct task *task, const struct question_answer *answer);

/* Asks for the digest of task->image and ends the task: registry_manifest.c */
void manifest_find(struct task *task);

/* The tags that the task's policy takes: registry_choice.c */
void choice_offer(struct task *task, const char *tag);
bool choice_next(struct task *task); /* the next one is in task->image; false: none is left */
void choice_load_marks(struct task *task); /* what was seen, and what is live */
bool choice_is_before(const struct task *task, const struct tag_judged *judged); /* these */
bool choice_is_older(struct task *task, const char *tag); /* the same, of now */
void choice_free(struct task *task);

/* Puts the newest tag that the task's policy takes into its image and goes on with manifest_find(), or
 * ends the task: registry_tags.c */
void tags_find(struct task *task);
void tags_forget(struct task *task); /* the task goes: takes it off its list */

/* May it be taken by itself? KEPT, MOVED or TOO_YOUNG with words for a person that follow the tag's
 * name. is_noted: this was a look that counts. registry_admit.c */
enum tag_reason
admit(struct task *task, const char *digest, bool is_noted, char words[REASON_SIZE]);
void admit_for_person(struct task *task, const char *digest);

/* Instead of an effect's answer: registry_explain.c. The last three end the task. */
void explanation_add(struct task *task, const char *tag);
void explanation_free(struct task *task);
void explanation_found(
    struct task *task, const char *digest, enum tag_reason verdict, const char *words);
void explanation_failed(struct task *task, const char *why);

#endif
