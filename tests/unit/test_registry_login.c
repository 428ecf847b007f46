/* test_registry_login.c - logging in at a registry: Basic, tokens, their life, and what is said when it
 * does not work. The password is in no word that anybody reads. */
#include "registry_bed.h"

#include "ports/registry_parts.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SAYS_A "Docker-Content-Digest: " DIGEST_A "\r\n"
#define GOOD "Basic Y2k6Y29ycmVjdC1ob3JzZQ==" /* ci:correct-horse */
#define VARIABLE "REGISTRY_LOGIN_TEST_PASSWORD"

/* How the false registry behaves. */
static struct {
	const char *realm; /* NULL: its own /token */
	const char *challenge; /* NULL: Bearer with that realm */
	const char *token_body; /* NULL: a token, whose number rises */
	int token_status; /* 0: as the login deserves */
	bool is_anonymous; /* tokens without a login */
	bool knows_no_rights; /* its tokens open nothing */
	uint32_t tokens;
	uint32_t oldest_token;
} way;

static void
serve_token(const struct fake_request *request, struct buf *reply)
{
	char body[128];
	bool is_good = strcmp(request->authorization, GOOD) == 0
		       || (way.is_anonymous && request->authorization[0] == '\0');

	snprintf(body, sizeof(body), "{\"token\":\"t%u\",\"expires_in\":300}", ++way.tokens);
	fake_reply(reply, request,
	    way.token_status != 0 ? way.token_status
	    : is_good             ? 200
				  : 401,
	    "", way.token_body != NULL ? way.token_body : body);
}

static void
serve(struct fake *fake, const struct fake_request *request, struct buf *reply)
{
	char challenge[1024];
	unsigned number = 0;
	bool is_open;

	if (str_starts(str_of(request->path), "/token")) {
		serve_token(request, reply);
		return;
	}
	if (way.challenge != NULL) {
		is_open = strcmp(request->authorization, GOOD) == 0;
		snprintf(challenge, sizeof(challenge), "%s", way.challenge);
	} else {
		is_open = sscanf(request->authorization, "Bearer t%u", &number) == 1
			  && number >= way.oldest_token && !way.knows_no_rights;
		snprintf(challenge, sizeof(challenge),
		    "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Bearer "
		    "realm=\"http://%s/token\","
		    "service=\"the registry\",scope=\"repository:shop/web:pull\"\r\n",
		    fake->host);
		if (way.realm != NULL)
			snprintf(challenge, sizeof(challenge),
			    "WWW-Authenticate: Bearer realm=\"%s\"\r\n", way.realm);
	}
	fake_reply(reply, request, is_open ? 200 : 401, is_open ? SAYS_A : challenge,
	    is_open ? "{\"tags\":[\"v1\"]}" : "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}");
}

static struct bed *
begin(const char *password)
{
	struct bed *bed = bed_new(serve);
	char image[64];

	memset(&way, 0, sizeof(way));
	snprintf(image, sizeof(image), "%s/shop/web", bed->fake->host);
	bed_put(1, image, "v*", "v1");
	bed_put(2, image, "v1", "v1");
	if (password != NULL) {
		assert_int_equal(setenv(VARIABLE, password, 1), 0);
		memcpy(bed_catalog.registries[0].username, "ci", 3);
		memcpy(bed_catalog.registries[0].password_env, VARIABLE, sizeof(VARIABLE));
	}
	return bed;
}

static const char *
resolve(struct bed *bed, enum event_kind kind)
{
	const struct event *event = bed_ask(bed, FX_RESOLVE, 1);

	if (event->kind != kind)
		fail_msg("%s: '%s'", event_names[event->kind], event->text);
	return event->text;
}

/* Nothing that anybody reads may hold the password or a token. */
static void
end(struct bed *bed)
{
	assert_null(strstr(bed_store.log, "horse"));
	assert_null(strstr(bed_catalog.items[1].event.text, "horse"));
	assert_null(strstr(bed_status(bed).why, "horse"));
	assert_null(strstr(bed_store.log, "Bearer t"));
	bed_free(bed);
}

static void
a_token_is_fetched_once_and_kept(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	resolve(bed, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 3); /* 401, token, HEAD */
	assert_string_equal(bed->fake->requests[0].authorization, "");
	assert_string_equal(bed->fake->requests[1].path,
	    "/token?service=the%20registry&scope=repository:shop/web:pull");
	assert_string_equal(bed->fake->requests[1].authorization, GOOD);
	assert_string_equal(bed->fake->requests[2].authorization, "Bearer t1");
	resolve(bed, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 4);
	assert_int_equal(
	    bed_ask(bed, FX_SEEK, 1)->kind, EV_SOUGHT); /* the list and the manifest */
	assert_int_equal(bed->fake->count, 6);
	assert_string_equal(bed->fake->requests[5].authorization, "Bearer t1");
	assert_string_equal(bed_status(bed).username, "ci");
	end(bed);
}

static void
another_repository_needs_no_second_401(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");
	char image[64];

	resolve(bed, EV_RESOLVED);
	snprintf(image, sizeof(image), "%s/shop/api", bed->fake->host);
	bed_put(3, image, "v1", "v1");
	assert_int_equal(bed_ask(bed, FX_SEEK, 3)->kind, EV_SOUGHT);
	assert_int_equal(bed->fake->count, 5); /* token, HEAD */
	assert_contains(bed->fake->requests[3].path, "scope=repository:shop/api:pull");
	assert_string_equal(bed->fake->requests[4].authorization, "Bearer t2");
	end(bed);
}

static void
a_token_works_without_a_login_where_that_is_enough(void **state UNUSED)
{
	struct bed *bed = begin(NULL);

	way.is_anonymous = true;
	resolve(bed, EV_RESOLVED);
	assert_string_equal(bed->fake->requests[1].authorization, "");
	way.is_anonymous = false;
	way.oldest_token = 99; /* the token does not count any more */
	assert_contains(resolve(bed, EV_REFUSED),
	    "asks for a login: give it a username and a password_file under registries");
	end(bed);
}

static void
a_token_that_was_withdrawn_is_fetched_anew(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	resolve(bed, EV_RESOLVED);
	way.oldest_token = 2;
	resolve(bed, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 6);
	assert_string_equal(bed->fake->requests[5].authorization, "Bearer t2");
	end(bed);
}

static void
a_short_token_serves_its_own_question(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	way.token_body = "{\"access_token\":\"t7\",\"expires_in\":0.5}";
	resolve(bed, EV_RESOLVED);
	way.token_body = "{\"access_token\":\"t8\"}"; /* a minute, by the specification */
	resolve(bed, EV_RESOLVED);
	end(bed);
}

static void
a_wrong_password_is_tried_once(void **state UNUSED)
{
	struct bed *bed = begin("wrong-horse");
	const char *text = resolve(bed, EV_REFUSED);

	assert_contains(text, "refused the user 'ci': check registries: ");
	assert_contains(text, "username, password_env");
	assert_int_equal(bed->fake->count, 2);
	resolve(bed, EV_REFUSED);
	assert_contains(bed_ask(bed, FX_SEEK, 2)->text, "refused the user 'ci'");
	assert_int_equal(way.tokens, 1);
	assert_int_equal(setenv(VARIABLE, "correct-horse", 1), 0); /* mended: at once again */
	resolve(bed, EV_RESOLVED);
	assert_int_equal(way.tokens, 2);
	end(bed);
}

static void
missing_rights_are_not_a_wrong_password(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	way.knows_no_rights = true;
	assert_contains(resolve(bed, EV_REFUSED), "refused the user 'ci' for 'shop/web'");
	assert_int_equal(bed->fake->count, 3);
	way.knows_no_rights = false;
	resolve(bed, EV_RESOLVED);
	end(bed);
	bed = begin(NULL);
	way.is_anonymous = true;
	way.knows_no_rights = true;
	assert_contains(
	    resolve(bed, EV_REFUSED), "shows 'shop/web' to nobody without a login");
	way.is_anonymous = false;
	way.token_status = 403; /* the token server knows the rights */
	assert_contains(
	    resolve(bed, EV_REFUSED), "shows 'shop/web' to nobody without a login");
	end(bed);
	bed = begin("correct-horse");
	way.token_status = 403;
	assert_contains(resolve(bed, EV_REFUSED), "refused the user 'ci' for 'shop/web'");
	way.token_status = 0;
	resolve(bed, EV_RESOLVED); /* the login itself was never in doubt */
	end(bed);
}

static void
basic_is_sent_where_basic_is_wanted(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	way.challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
	resolve(bed, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 2);
	assert_string_equal(bed->fake->requests[0].authorization, "");
	assert_string_equal(bed->fake->requests[1].authorization, GOOD);
	resolve(bed, EV_RESOLVED);
	assert_int_equal(bed->fake->count, 3); /* known by now */
	end(bed);
	bed = begin("wrong-horse");
	way.challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
	assert_contains(resolve(bed, EV_REFUSED), "refused the user 'ci'");
	resolve(bed, EV_REFUSED);
	assert_int_equal(bed->fake->count, 2);
	assert_int_equal(setenv(VARIABLE, "correct-horse", 1), 0);
	resolve(bed, EV_RESOLVED);
	end(bed);
	bed = begin(NULL);
	way.challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
	assert_contains(resolve(bed, EV_REFUSED), "asks for a login");
	way.challenge = "WWW-Authenticate: Digest realm=\"x\"\r\n";
	assert_contains(resolve(bed, EV_REFUSED), "a kind of login that is not known here");
	end(bed);
}

static void
a_registry_may_change_its_mind(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	way.challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
	resolve(bed, EV_RESOLVED);
	way.challenge = NULL;
	resolve(bed, EV_RESOLVED); /* Bearer from now on */
	way.challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
	resolve(bed, EV_RESOLVED);
	end(bed);
}

static void
a_password_that_cannot_be_read_is_named(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");
	struct registry_config *c = &bed_catalog.registries[0];
	char path[] = "/tmp/slipway-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unsetenv(VARIABLE), 0);
	assert_contains(resolve(bed, EV_REFUSED), VARIABLE " is not set");
	c->password_env[0] = '\0';
	assert_contains(resolve(bed, EV_REFUSED), "set password_file or password_env");
	snprintf(c->password_file, sizeof(c->password_file), "%s", path);
	assert_contains(resolve(bed, EV_REFUSED), "is empty");
	assert_int_equal(write(fd, " correct-horse \r\nanother line\n", 30), 30);
	close(fd);
	resolve(bed, EV_RESOLVED);
	assert_int_equal(unlink(path), 0);
	way.oldest_token = 99;
	assert_contains(resolve(bed, EV_REFUSED), path);
	end(bed);
}

static void
a_token_server_in_trouble_is_named(void **state UNUSED)
{
	static const char *const bodies[] = { "{}", "{\"token\":\"\"}", "{\"token\":\"a b\"}",
		"{\"token\":\"a\\r\\nX: y\"}", "{\"token\":7}", "no json", "" };
	struct bed *bed = begin("correct-horse");

	for (size_t i = 0; i < COUNT(bodies); i++) {
		way.token_body = bodies[i];
		assert_contains(resolve(bed, EV_TROUBLED), "answered 200 and gave no token");
	}
	way.token_body = NULL;
	way.token_status = 404;
	assert_contains(resolve(bed, EV_TROUBLED), "answered 404 and gave no token");
	way.token_status = 503;
	assert_contains(resolve(bed, EV_TROUBLED), "the token server of 127.0.0.1:");
	way.token_status = 0;
	resolve(bed, EV_RESOLVED);
	way.oldest_token = 99;
	way.token_status = 429;
	assert_contains(resolve(bed, EV_TROUBLED), "its rate limit is reached");
	assert_int_equal(bed_catalog.items[1].event.after_ms, 60000);
	end(bed);
}

static void
a_realm_that_cannot_be_reached_is_named(void **state UNUSED)
{
	struct bed *bed = begin("correct-horse");

	way.realm = "http://127.0.0.1:1/token";
	assert_contains(resolve(bed, EV_TROUBLED),
	    "cannot reach the token server of the registry 127.0.0.1:");
	way.realm = "file:///etc/passwd";
	assert_contains(resolve(bed, EV_REFUSED), "no http or https URL");
	end(bed);
}

static void
logins_go_over_https_or_stay(void **state UNUSED)
{
	static const struct {
		const char *realm;
		bool is_insecure;
		bool is_sent;
	} cases[] = {
		{ "https://auth.example/token", false, true },
		{ "http://auth.example/token", false, false },
		{ "http://auth.example/token", true, true },
		{ "http://127.0.0.1:5001/token", false, true },
		{ "http://127.0.0.1.auth.example/token", false, false },
		{ "http://127.0.0.1@auth.example/token", true, false },
		{ "gopher://auth.example/token", true, false },
		{ "", true, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct site site = { .config = { .is_insecure = cases[i].is_insecure },
			.challenge = { .kind = CHALLENGE_BEARER } };
		struct buf url;
		struct err err;

		memcpy(site.status.host, "registry.example", 17);
		snprintf(
		    site.challenge.realm, sizeof(site.challenge.realm), "%s", cases[i].realm);
		buf_init(&url, 1000);
		assert_int_equal(login_token_url(&site, "repository:a:pull", &url, &err),
		    cases[i].is_sent ? 0 : -1);
		if (!cases[i].is_sent)
			assert_contains(err.text, "registry.example sends for a token to");
		else
			assert_contains(buf_cstr(&url), "/token?scope=repository:a:pull");
		buf_free(&url);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_fetched_once_and_kept),
		cmocka_unit_test(another_repository_needs_no_second_401),
		cmocka_unit_test(a_token_works_without_a_login_where_that_is_enough),
		cmocka_unit_test(a_token_that_was_withdrawn_is_fetched_anew),
		cmocka_unit_test(a_short_token_serves_its_own_question),
		cmocka_unit_test(a_wrong_password_is_tried_once),
		cmocka_unit_test(missing_rights_are_not_a_wrong_password),
		cmocka_unit_test(basic_is_sent_where_basic_is_wanted),
		cmocka_unit_test(a_registry_may_change_its_mind),
		cmocka_unit_test(a_password_that_cannot_be_read_is_named),
		cmocka_unit_test(a_token_server_in_trouble_is_named),
		cmocka_unit_test(a_realm_that_cannot_be_reached_is_named),
		cmocka_unit_test(logins_go_over_https_or_stay),
	};

	log_setup(LOG_ERROR, false, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
