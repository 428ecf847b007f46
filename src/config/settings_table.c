/* settings_table.c - the table itself, the rules of its texts, and the reference made from it. */
#include "config/settings_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "config/paths.h"
#include "config/powers.h"
#include "config/rules.h"

enum { TOKEN_LENGTH_MIN = 16, TOKEN_LENGTH_MAX = 256 };

static const char *
rule_url(const char *text)
{
	size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
			: strncmp(text, "https://", 8) == 0 ? 8
							    : 0;

	if (scheme == 0)
		return "must begin with http:// or https://";
	if (text[scheme] == '\0' || text[scheme] == '/' || strpbrk(text, " ?#@") != NULL)
		return "must be a plain URL: scheme, host, port if needed, path if needed";
	return rule_line(text);
}

static const char *
rule_token(const char *text)
{
	size_t length = strlen(text);

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "must be visible ASCII characters without blanks";
	if (length < TOKEN_LENGTH_MIN || length > TOKEN_LENGTH_MAX)
		return "must have 16 to 256 characters; `openssl rand -hex 24` makes a good "
		       "one";
	return NULL;
}

/* "10.0.0.0/8": an address, and behind a slash how many of its bits count. */
static bool
is_network(struct str text)
{
	char address[64];
	unsigned char binary[sizeof(struct in6_addr)];
	struct str head;
	struct str bits = str_cut(text, '/', &head);
	bool has_bits = head.n != text.n;
	uint64_t ignored;

	if (!str_copy(address, sizeof(address), head))
		return false;
	if (inet_pton(AF_INET, address, binary) == 1)
		return !has_bits || str_number(bits, 32, &ignored);
	return inet_pton(AF_INET6, address, binary) == 1
	       && (!has_bits || str_number(bits, 128, &ignored));
}

static const char *
rule_networks(const char *text)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		struct str one;

		rest = str_cut(rest, ',', &one);
		if (!is_network(str_trim(one)))
			return "must be IP addresses or networks with commas between them: "
			       "172.18.0.5,10.0.0.0/8";
	}
	return NULL;
}

/* Their form alone; what they are is read by the ring of keys. */
static const char *
rule_keys(const char *text)
{
	if (strlen(text) < TOKEN_LENGTH_MIN
	    || text[strspn(text, "0123456789abcdefABCDEF, \t\r\n")] != '\0')
		return "must be keys of 64 hexadecimal digits with commas in between; "
		       "`slipway "
		       "secrets generate` makes one";
	return NULL;
}

#define AT(member) offsetof(struct settings, member)
#define SECOND INT64_C(1000)

/* The order of enum log_level, enum quick_deploy and enum log_format. */
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const quick_deploys[] = { "off", "api", "webhook", NULL };
static const char *const log_formats[] = { "auto", "json", "text", NULL };

/* clang-format off */
const struct setting settings_table[SETTING_COUNT] = {
	{ "SLIPWAY_LISTEN", SETTING_ADDRESS, AT(listen), "127.0.0.1:8080",
	  "Address and port of the API.", .rule = NULL },
	{ "SLIPWAY_DATA", SETTING_TEXT, AT(data), "/var/lib/slipway",
	  "Folder of everything that Slipway keeps; one server at a time uses it.", .rule = rule_line },
	{ "SLIPWAY_CONFIG", SETTING_TEXT, AT(config), "",
	  "`slipway.yml` that is imported at start when nothing is stored yet.", .rule = rule_line },
	{ "SLIPWAY_TOKEN", SETTING_SECRET, AT(token), "",
	  "Bearer token of the API, for server and client; made and printed once by the server when not set.",
	  .rule = rule_token },
	{ "SLIPWAY_URL", SETTING_TEXT, AT(url), "http://127.0.0.1:8080",
	  "Where the client commands find the server.", .rule = rule_url },
	{ "SLIPWAY_LOG_LEVEL", SETTING_CHOICE, AT(log_level), "info",
	  "The least level that is logged.", .choices = log_levels },
	{ "SLIPWAY_LOG_FORMAT", SETTING_CHOICE, AT(log_format), "auto",
	  "How log lines look; `auto` is text on a terminal, else JSON.", .choices = log_formats },
	{ "SLIPWAY_API_DOCS", SETTING_SWITCH, AT(serves_docs), "on",
	  "Whether the API's description is served to everybody: `/openapi.json`, and as a page at `/docs`.",
	  .rule = NULL },
	{ "SLIPWAY_EDGE", SETTING_SWITCH, AT(is_edge_on), "on",
	  "Whether Slipway starts and drives the edge (HAProxy).", .rule = NULL },
	{ "SLIPWAY_EDGE_START", SETTING_SWITCH, AT(starts_edge), "on",
	  "Whether the server starts the edge when none runs; `off` where `slipway edge` is a service of its own.",
	  .rule = NULL },
	{ "SLIPWAY_EDGE_HTTP", SETTING_ADDRESSES, AT(edge_http), "0.0.0.0:80",
	  "Addresses where the edge takes HTTP; several with commas, or `none`.", .rule = NULL },
	{ "SLIPWAY_EDGE_HTTPS", SETTING_ADDRESSES, AT(edge_https), "none",
	  "Addresses where the edge takes HTTPS; several with commas, or `none`.", .rule = NULL },
	{ "SLIPWAY_EDGE_CERTIFICATES", SETTING_TEXT, AT(edge_certificates), "",
	  "Certificates for HTTPS, each with its key in one PEM file: the file, or a folder of such files.",
	  .rule = rule_line },
	{ "SLIPWAY_EDGE_TRUSTED", SETTING_TEXT, AT(edge_trusted), "",
	  "Addresses or networks of proxies before the edge, with commas: their `X-Forwarded-*` headers are kept.",
	  .rule = rule_networks },
	{ "SLIPWAY_HAPROXY", SETTING_TEXT, AT(haproxy), "haproxy",
	  "The HAProxy program: a path, or a name that is looked up in `PATH`.", .rule = rule_line },
	{ "SLIPWAY_SHUTDOWN_DRAIN_TIMEOUT", SETTING_DURATION, AT(shutdown_drain_timeout_ms), "300s",
	  "How long a shutdown waits for deploys under way; then it ends at once, and the next start continues.",
	  .least = 0, .most = 3600 * SECOND },
	{ "SLIPWAY_SWEEP_INTERVAL", SETTING_DURATION, AT(sweep_interval_ms), "30s",
	  "How often Slipway compares what runs with what should.",
	  .least = SECOND, .most = 3600 * SECOND },
	{ "SLIPWAY_KEEP_DEPLOYS", SETTING_NUMBER, AT(keep.deploys), "100",
	  "How many of the newest deploys of each stage are kept, with their steps and log, however old they are.",
	  .least = 10, .most = KEEP_DEPLOYS_MAX },
	{ "SLIPWAY_KEEP_DAYS", SETTING_NUMBER, AT(keep.days), "30",
	  "For how many days older deploys are kept beyond those, and steps that belong to no deploy.",
	  .least = 0, .most = KEEP_DAYS_MAX },
	{ "SLIPWAY_KEEP_ROLLBACKS", SETTING_NUMBER, AT(keep.rollbacks), "10",
	  "How many versions before the live one each stage can always go back to: their newest deploys are never removed.",
	  .least = 1, .most = ROLLBACKS_MAX },
	{ "SLIPWAY_KEEP_IMAGES", SETTING_DURATION, AT(keep.images_ms), "24h",
	  "How long an image that Slipway has pulled and nothing needs any more stays on its engine after its last use.",
	  .least = 0, .most = 8784 * 3600 * SECOND },
	{ "SLIPWAY_REMOVE_IMAGES", SETTING_SWITCH, AT(keep.removes_images), "on",
	  "Whether images that Slipway has pulled are removed when nothing needs them any more.", .rule = NULL },
	{ "SLIPWAY_DISK_FLOOR_MB", SETTING_NUMBER, AT(disk_floor_mb), "1024",
	  "How many megabytes must be free where a Docker engine on this machine keeps its images, before one more is pulled; `0` asks for nothing.",
	  .least = 0, .most = 1000000000 },
	{ "SLIPWAY_BACKUPS", SETTING_TEXT, AT(backups), "",
	  "Folder of the backups that are made by rule, and by `slipway db backup` without a file; when not set, `backups` in `SLIPWAY_DATA`.", .rule = rule_line },
	{ "SLIPWAY_BACKUP_INTERVAL", SETTING_DURATION, AT(backup_interval_ms), "0s",
	  "How often the server backs its store up; `0s` is never.",
	  .least = 0, .most = 31 * 24 * 3600 * SECOND },
	{ "SLIPWAY_BACKUP_KEEP", SETTING_NUMBER, AT(backup_keep), "7",
	  "How many of the newest backups by rule stay.",
	  .least = 1, .most = 1000 },
	{ "SLIPWAY_ALLOW_DOCKER_SOCKET", SETTING_SWITCH, AT(allows_docker_socket), "off",
	  "Whether a stage may mount the socket of a container engine, or a folder above one: that makes its containers root on the host.",
	  .rule = NULL },
	{ "SLIPWAY_ALLOW_VOLUME_PATHS", SETTING_TEXT, AT(volume_paths), "",
	  "Folders of the host, with commas, in which paths must lie that stages mount; not set: none may be mounted.",
	  .rule = rule_paths },
	{ "SLIPWAY_ALLOW_POWERS", SETTING_TEXT, AT(powers), "",
	  "What stages may ask for that makes a container as powerful as the host: `privileged`, `host-network`, `host-pid`, `host-ipc`, `cap:NAME`, `device:/dev/name`, with commas.",
	  .rule = rule_powers },
	/* Above SLIPWAY_KEY, for which it is the form with a file, too: this one may be made and renewed. */
	{ "SLIPWAY_KEY_FILE", SETTING_TEXT, AT(key_file), "",
	  "File with the keys that seal secrets; made at the first start when it is not there. Not set: `secrets.key` in `SLIPWAY_DATA`.",
	  .rule = rule_path },
	{ "SLIPWAY_KEY", SETTING_SECRET, AT(keys), "",
	  "The keys themselves in place of the file, with commas in between; the first one seals.",
	  .rule = rule_keys },
	{ "SLIPWAY_SECRET_PATHS", SETTING_TEXT, AT(secret_paths), "/run/secrets,/etc/slipway/secrets",
	  "Folders, with commas, where files must lie whose contents `env` may give to a container (`{file: /path}`).",
	  .rule = rule_paths },
	{ "SLIPWAY_QUICK_DEPLOY", SETTING_CHOICE, AT(quick_deploy), "api",
	  "Who may make a project of an image that none has yet: nobody, a person (`slipway quick`), or also the webhook of all projects, from registries that the configuration names.",
	  .choices = quick_deploys },
	{ "SLIPWAY_QUICK_DOMAIN", SETTING_TEXT, AT(quick_domain), "",
	  "The domain that such a project gets, with words as in `domains`: `{project}.apps.example.org`; not set: none.",
	  .rule = rule_domain },
};
/* clang-format on */

static const char *
type_of(const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_TEXT:
		return "text";
	case SETTING_SECRET:
		return "secret";
	case SETTING_ADDRESS:
		return "address:port";
	case SETTING_ADDRESSES:
		return "list of address:port";
	case SETTING_SWITCH:
		return "`on`, `off`";
	case SETTING_CHOICE:
		break;
	case SETTING_DURATION:
		return "duration";
	case SETTING_NUMBER:
		return "number";
	}
	return NULL;
}

static void
write_row(const struct setting *setting, struct buf *markdown)
{
	buf_format(markdown, "| `%s` | ", setting->name);
	if (type_of(setting) != NULL)
		buf_text(markdown, type_of(setting));
	else
		for (size_t i = 0; setting->choices[i] != NULL; i++)
			buf_format(
			    markdown, "%s`%s`", i == 0 ? "" : ", ", setting->choices[i]);
	if (setting->initial[0] == '\0')
		buf_text(markdown, " | not set");
	else
		buf_format(markdown, " | `%s`", setting->initial);
	buf_format(markdown, " | %s |\n", setting->help);
}

void
settings_write_reference(struct buf *markdown)
{
	buf_text(markdown,
	    "# Settings\n\n"
	    "Slipway's process reads its settings from the environment. Each one can also be "
	    "given as\n"
	    "`NAME_FILE`, the path of a file that holds the value (one newline at its end is "
	    "taken off);\n"
	    "giving both is an error, and so is a `SLIPWAY_` variable that is not listed "
	    "here (but those\n"
	    "that Slipway tells its containers, and Kubernetes its pods, are passed over). An "
	    "empty\n"
	    "value counts as not set. `slipway check` shows what is in effect and every fault "
	    "at once.\n\n"
	    "Durations are written with their unit: `500ms`, `30s`, `5m`, `1h`.\n\n"
	    "| variable | type | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(settings_table); i++)
		write_row(&settings_table[i], markdown);
}
