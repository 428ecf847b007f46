/* commands.c - the table of commands: one row each gives the parsing, the help and the completion. */
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/commands_options.h"

/* clang-format off */
const struct command commands[] = {
	{ "deploy", "PROJECT/STAGE TAG", "deploy a version to a stage",
	  "Starts the image's TAG beside what is live, checks it, moves the traffic over and removes the\n"
	  "old version. Without --wait it returns as soon as the server has taken the order.\n"
	  "\n"
	  "With --wait it exits with 0 when the version is live (also when it was already) and with 1 when\n"
	  "it is not; a lost connection or a restart of the server is waited for. Ctrl-C only stops the\n"
	  "watching.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway deploy shop/production v3 --wait\n"
	  "  slipway deploy shop/staging main --force\n",
	  deploy_options, 2, 2, NEEDS_TOKEN, COMPLETES_STAGES, cli_deploy },
	{ "rollback", "PROJECT/STAGE", "go back to a version that was live before",
	  "Deploys the digest of an earlier deploy again. Without --to, that of the newest deploy that was\n"
	  "live with another digest. --list shows the versions whose image is on the engine or still in the\n"
	  "registry, and those that it cannot go back to any more.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway rollback shop/production --list\n"
	  "  slipway rollback shop/production --wait\n"
	  "  slipway rollback shop/production --to 12\n",
	  rollback_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_rollback },
	{ "restart", "PROJECT/STAGE", "start what is live anew",
	  "Deploys the live version once more, as the stage's strategy says: mostly beside itself, so that no request\n"
	  "is lost (see `slipway plan`). Secrets and settings that were changed count from then on. Freezes, windows\n"
	  "and approvals do not hold it, as it brings nothing new; while a deploy is under way or pending it is refused.\n"
	  "\n"
	  "Example:\n"
	  "  slipway restart shop/production --wait\n",
	  restart_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_restart },
	{ "stop", "PROJECT/STAGE", "stop what is live, until it is started again",
	  "Leads nobody to it any more (visitors are answered with 503), lets what is in flight end, and stops and removes\n"
	  "its containers; volumes stay. While a stage is stopped, what webhooks and polls bring is pending. While a deploy is\n"
	  "under way it is refused; what is pending is superseded.\n"
	  "\n"
	  "Example:\n"
	  "  slipway stop shop/staging --wait\n",
	  restart_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_stop },
	{ "start", "PROJECT/STAGE", "start a stage that was stopped",
	  "Deploys what was live when it was stopped, whatever freezes, windows and approvals say; then what came\n"
	  "meanwhile has its turn. To start it with another version, deploy that.\n"
	  "\n"
	  "Example:\n"
	  "  slipway start shop/staging --wait\n",
	  restart_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_start },
	{ "remove", "PROJECT/STAGE TAG", "let a version go that is kept running beside what is live",
	  "With 'max_instances' versions that served before run on, each reached by its tag; and for 'warm_keep' the last\n"
	  "one does anyway. `slipway status PROJECT/STAGE` shows them. Nobody is led to it any more, what is in flight\n"
	  "ends, and its containers are stopped and removed. What is live stays: `slipway stop` stops that.\n"
	  "\n"
	  "Example:\n"
	  "  slipway remove shop/production v2\n",
	  remove_options, 2, 2, NEEDS_TOKEN, COMPLETES_STAGES, cli_remove },
	{ "promote", "PROJECT/STAGE", "deploy what is live in the stage that it is promoted from",
	  "The digest that runs and is verified in the stage named by 'promote_from'. It goes when it has been\n"
	  "live there for long enough, enough people have approved, and a window is open; until then the\n"
	  "deploy is pending. `slipway promotable` shows what there is.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway promote shop/production --as ann --wait\n"
	  "  slipway promote shop/production --as ann --override \"outage 117\"\n",
	  promote_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_promote },
	{ "promotable", "[PROJECT[/STAGE]]", "what could be promoted, how it differs, and whether it may go",
	  "Of one stage also which variables of the environment differ, by name.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway promotable\n"
	  "  slipway promotable shop/production\n",
	  only_json, 0, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_promotable },
	{ "approve", "ID", "agree to a deploy that is pending",
	  "An approval is for the digest of that deploy. Who asked for it cannot approve it.\n"
	  "\n"
	  "Example:\n"
	  "  slipway approve 14 --as bob\n",
	  decide_options, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_approve },
	{ "reject", "ID", "end a deploy that is pending",
	  "Example:\n"
	  "  slipway reject 14 --as bob --note \"waits for the migration\"\n",
	  decide_options, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_reject },
	{ "freeze", "PROJECT[/STAGE]", "keep a stage, or all of a project, as it is",
	  "What webhooks and polls bring is pending until it is thawed; who asks by hand is told why not. A deploy\n"
	  "under way does not get traffic any more. A rollback goes all the same.\n"
	  "\n"
	  "Example:\n"
	  "  slipway freeze shop --as ann --reason \"sale weekend\" --for 48h\n",
	  freeze_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_freeze },
	{ "unfreeze", "PROJECT[/STAGE]", "end a freeze",
	  "Example:\n"
	  "  slipway unfreeze shop --as ann\n",
	  as_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_unfreeze },
	{ "audit", "", "who decided what: promotions, approvals, freezes, overrides",
	  "The newest first.\n"
	  "\n"
	  "Example:\n"
	  "  slipway audit --limit 50\n",
	  audit_options, 0, 0, NEEDS_TOKEN, COMPLETES_NOTHING, cli_audit },
	{ "retention", "[STAGE]|run|pin ...", "what is kept and why, and what would go",
	  "Shows each image that Slipway has pulled, whether it goes, and why it stays: images of what is live,\n"
	  "under way, pinned, or to go back to are never removed. run looks at once and removes what may go;\n"
	  "pin keeps a deploy that was live, and its image, until unpin.\n"
	  "\n"
	  "With --keep-deploys or --keep-days it also tells which deploys would go by other rules than the server's.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway retention\n"
	  "  slipway retention shop/production\n"
	  "  slipway retention run\n"
	  "  slipway retention pin 12\n"
	  "  slipway retention --keep-deploys 20 --keep-days 7\n",
	  retention_options, 0, 2, NEEDS_TOKEN, COMPLETES_STAGES, cli_retention },
	{ "cancel", "ID", "stop a deploy that is not live yet",
	  "What was started is removed again; what is live stays.\n"
	  "\n"
	  "Example:\n"
	  "  slipway cancel 14\n",
	  only_json, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_cancel },
	{ "status", "[PROJECT[/STAGE]]", "what is live, and what is under way",
	  "Examples:\n"
	  "  slipway status\n"
	  "  slipway status shop/production\n"
	  "  slipway status --json\n",
	  only_json, 0, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_status },
	{ "history", "[PROJECT[/STAGE]]", "deploys, the newest first",
	  "Examples:\n"
	  "  slipway history shop --limit 5\n"
	  "  slipway history --state rolled-back\n",
	  history_options, 0, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_history },
	{ "stats", "[PROJECT[/STAGE]]", "what became of the deploys, and how long they took",
	  "Of each stage: how many went live, failed, were taken back by Slipway, or were rollbacks that somebody\n"
	  "asked for; the time from the wish until the version had all traffic, and of that the swap, each as the\n"
	  "middle one and the one that 95% do not exceed. Deploys that are not kept any more are not counted.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway stats\n"
	  "  slipway stats shop/production --days 7\n",
	  stats_options, 0, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_stats },
	{ "show", "ID", "one deploy with its steps and how long each took",
	  "Example:\n"
	  "  slipway show 12\n",
	  only_json, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_show },
	{ "top", "PROJECT/STAGE", "what its live containers use: processors, memory, processes",
	  "Looks twice, a second apart; 100% is one processor. Memory is without what is only cached.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway top shop/production\n"
	  "  slipway top shop/production --json\n",
	  top_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_top },
	{ "logs", "PROJECT/STAGE | ID", "the output of a live container, or the log of a deploy",
	  "Examples:\n"
	  "  slipway logs shop/production --follow\n"
	  "  slipway logs shop/production --replica 1 --tail 500\n"
	  "  slipway logs 12\n",
	  logs_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_logs },
	{ "poll", "PROJECT/STAGE", "look for a new version in the registry now",
	  "Example:\n"
	  "  slipway poll shop/production\n",
	  only_help, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_poll },
	{ "explain", "PROJECT/STAGE", "every tag in the registry: kept or refused, and why",
	  "The newest comes first, then what is refused. What would be deployed by itself now is told above.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway explain shop/production\n"
	  "  slipway explain shop/production --limit 1000 | grep prerelease\n",
	  explain_options, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_explain },
	{ "plan", "PROJECT/STAGE", "how the next version would take over, and why",
	  "By default the new version starts beside the old one (blue-green). Where both would write one volume\n"
	  "the old one is stopped first; `strategy` in slipway.yml chooses otherwise. Nothing is changed.\n"
	  "\n"
	  "Example:\n"
	  "  slipway plan shop/production\n",
	  only_json, 1, 1, NEEDS_TOKEN, COMPLETES_STAGES, cli_plan },
	{ "lift", "PROJECT/STAGE [DIGEST]", "let webhooks and polls bring a version again that was rolled back",
	  "A digest that did not start or failed its health check, or that `slipway rollback` has left, is in\n"
	  "quarantine: no webhook and no poll brings it again. `slipway status PROJECT/STAGE` shows what is held.\n"
	  "This lifts it, of one digest or of all, and deploys nothing; `slipway deploy` may bring a version at\n"
	  "any time.\n"
	  "\n"
	  "Example:\n"
	  "  slipway lift shop/production\n",
	  only_json, 1, 2, NEEDS_TOKEN, COMPLETES_STAGES, cli_lift },
	{ "inspect", "IMAGE", "what an image says of itself, and the project that it would become",
	  "The registry is asked; nothing is pulled and nothing is changed. Below the image's ports, user and\n"
	  "volumes stands the piece of slipway.yml that `slipway quick` would apply: a good one to begin with.\n"
	  "\n"
	  "Example:\n"
	  "  slipway inspect registry.example.org/shop:v3\n",
	  inspect_options, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_inspect },
	{ "quick", "IMAGE", "make a project of an image that none has yet, and deploy it",
	  "Port and health check are those that the image names; everything can be changed later with\n"
	  "`slipway export`, an editor and `slipway apply`. `slipway inspect` shows beforehand what it will be.\n"
	  "\n"
	  "Example:\n"
	  "  slipway quick registry.example.org/shop:v3 --domain shop.example.org --wait\n",
	  quick_options, 1, 1, NEEDS_TOKEN, COMPLETES_NOTHING, cli_quick },
	{ "webhook", "show|rotate|test ...", "the URL that a registry, a forge or a CI job calls",
	  "show PROJECT         prints the URL\n"
	  "rotate PROJECT       makes another URL; the one before is worth nothing from then on\n"
	  "test PROJECT IMAGE   tells which stages would take a webhook for IMAGE, and why not; deploys nothing\n"
	  "\n"
	  "With --all in PROJECT's place: one URL for all projects. Whoever knows a URL can have new images\n"
	  "deployed: keep it as a secret. docs/webhooks.md says what to set up in which registry.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway webhook show shop\n"
	  "  slipway webhook test shop registry.example.org/shop:v3\n"
	  "  slipway webhook rotate --all\n"
	  "In a CI job that has pushed an image:\n"
	  "  curl -H 'Content-Type: application/json' -d '{\"image\":\"registry.example.org/shop:v3\"}' URL\n",
	  webhook_options, 1, 3, NEEDS_TOKEN, COMPLETES_WEBHOOKS, cli_webhook },
	{ "registry", "list|test|tags ...", "registries: what is left of their budgets, logins, tags",
	  "list                    every registry: when it answered last, what is wrong, what is left of its budget\n"
	  "test HOST[/REPOSITORY]  asks it now: is it there, does it take our login, may we read the repository\n"
	  "tags HOST/REPOSITORY    the tags that it has, page by page, in its own order\n"
	  "\n"
	  "Examples:\n"
	  "  slipway registry list\n"
	  "  slipway registry test registry.example.org\n"
	  "  slipway registry tags registry.example.org/shop/web --limit 20 --after v2\n",
	  registry_options, 1, 2, NEEDS_TOKEN, COMPLETES_REGISTRIES, cli_registry },
	{ "export", "[PROJECT]", "print the configuration as slipway.yml",
	  "Everything that `slipway apply` can set, always written in the same way: equal configurations\n"
	  "give equal files. It holds no password: those stay in the files and variables that it names. With\n"
	  "PROJECT it is that project, and the engines, registries and proxies.\n"
	  "\n"
	  "Example:\n"
	  "  slipway export > slipway.yml\n",
	  only_help, 0, 1, NEEDS_TOKEN, COMPLETES_PROJECTS, cli_export },
	{ "diff", "FILE", "show what `slipway apply FILE` would change, key by key",
	  "+ is new, - goes and ~ changes. Exits as diff does: with 0 when nothing would change, with 1 when\n"
	  "something would. Stages and other entries that FILE leaves out are left alone, and no difference.\n"
	  "\n"
	  "Example:\n"
	  "  slipway diff slipway.yml\n",
	  only_json, 1, 1, NEEDS_TOKEN, COMPLETES_FILES, cli_diff },
	{ "apply", "FILE", "make the configuration what slipway.yml says",
	  "FILE is - for standard input, and may be a pipe; JSON is taken, too. A file with faults changes\n"
	  "nothing; each fault is told with its line and column. What is live is not deployed anew.\n"
	  "On a terminal the plan is shown first, and done when you agree, unless somebody else has changed\n"
	  "the configuration meanwhile.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway apply slipway.yml --dry-run\n"
	  "  slipway apply - < slipway.yml\n",
	  apply_options, 1, 1, NEEDS_TOKEN, COMPLETES_FILES, cli_apply },
	{ "secrets", "ACTION [NAME]", "set, list, remove values that only containers see; renew their key",
	  "A stage's env names a secret ({secret: NAME}); its value is sealed in the server's store, goes to\n"
	  "the engine when a container is made, and is never shown again.\n"
	  "\n"
	  "  list             names, versions, and who uses them\n"
	  "  set NAME         the value from standard input, or --file; the next deploy brings it\n"
	  "  remove NAME      one that no stage needs\n"
	  "  rotate           a new key, and everything sealed anew with it\n"
	  "  generate [FILE]  a key for SLIPWAY_KEY, or into a new file for SLIPWAY_KEY_FILE; asks no server\n"
	  "\n"
	  "Examples:\n"
	  "  slipway secrets set shop-database-password < password.txt\n"
	  "  slipway secrets set shop-certificate --file key.pem\n"
	  "  slipway secrets list\n",
	  secrets_options, 1, 2, NEEDS_NOTHING, COMPLETES_SECRET_ACTIONS, cli_secrets },
	{ "notify", "ACTION [TARGET]", "who was told of what; try whether it arrives",
	  "list shows what was told to whom, the newest first, and what became of it; test sends a try to each\n"
	  "receiver of a stage, a project or all, and exits with 1 unless all of them took it; receivers shows\n"
	  "those of slipway.yml. TARGET is PROJECT/STAGE or PROJECT; without it, everything.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway notify test shop/production\n"
	  "  slipway notify list --state given-up\n"
	  "  slipway notify receivers\n",
	  notify_options, 1, 2, NEEDS_TOKEN, COMPLETES_NOTIFY, cli_notify },
	{ "serve", "", "run the server",
	  "Its settings come from the environment; `slipway check` shows them and every fault in them.\n"
	  "SIGTERM and SIGINT let the deploys under way finish; a second one ends it at once, which is\n"
	  "safe: the next start goes on where this one stopped.\n",
	  only_help, 0, 0, NEEDS_NOTHING, COMPLETES_NOTHING, NULL },
	{ "edge", "", "run the edge proxy alone, as a service of its own",
	  "Without it `slipway serve` starts the edge when it needs it; either way traffic goes on while\n"
	  "the server restarts.\n",
	  only_help, 0, 0, NEEDS_NOTHING, COMPLETES_NOTHING, NULL },
	{ "check", "[FILE]", "find every fault in the environment and in slipway.yml",
	  "Without FILE, the one that SLIPWAY_CONFIG names. Exits with 1 when there are faults.\n",
	  only_help, 0, 1, NEEDS_NOTHING, COMPLETES_FILES, NULL },
	{ "db", "ACTION [FILE]", "look after the store: status, backup, restore, migrate, rollback",
	  "Works on the files in SLIPWAY_DATA, as the user that the server runs as.\n"
	  "\n"
	  "  status         what there is, its version and whether it is sound; --json\n"
	  "  backup [FILE]  a copy of this moment, also while the server runs; without FILE into\n"
	  "                 SLIPWAY_BACKUPS, where the newest SLIPWAY_BACKUP_KEEP of such copies stay\n"
	  "  restore FILE   put a copy back; what was there is kept beside it\n"
	  "  migrate        bring it to the version of this program, as every start does\n"
	  "  rollback       back by one version, or --to one, for an older program; a copy is kept\n"
	  "\n"
	  "The last three refuse while a server uses the store.\n"
	  "\n"
	  "Examples:\n"
	  "  slipway db backup /var/backups/slipway.db\n"
	  "  slipway db rollback --to 6\n",
	  db_options, 1, 2, NEEDS_NOTHING, COMPLETES_ACTIONS, NULL },
	{ "machines", "[NAME]", "print the state machines that this program runs",
	  "NAME is deploy, swap, poll, stage, sweep or notify; without it, all of them.\n"
	  "\n"
	  "Example:\n"
	  "  slipway machines --dot deploy | dot -Tsvg > deploy.svg\n",
	  machines_options, 0, 1, NEEDS_NOTHING, COMPLETES_NOTHING, NULL },
	{ "healthcheck", "", "exit with 0 when the server is healthy, else with 1",
	  "Needs no token. For Docker:\n"
	  "  HEALTHCHECK CMD [\"slipway\", \"healthcheck\"]\n",
	  only_help, 0, 0, NEEDS_SERVER, COMPLETES_NOTHING, cli_healthcheck },
	{ "version", "", "print the version",
	  "", only_help, 0, 0, NEEDS_NOTHING, COMPLETES_NOTHING, cli_version },
	{ "completion", "bash", "print what makes bash complete commands, options and stages",
	  "Put this into ~/.bashrc:\n"
	  "  source <(slipway completion bash)\n"
	  "\n"
	  "`slipway completion stages` and `slipway completion projects` print the names that are\n"
	  "offered, or nothing when the server cannot be asked.\n",
	  only_help, 1, 1, NEEDS_NOTHING, COMPLETES_SHELLS, cli_completion },
	{ "help", "[COMMAND]", "explain a command, or list all of them",
	  "Examples:\n"
	  "  slipway help deploy\n"
	  "  slipway help --man | man -l -\n",
	  help_options, 0, 1, NEEDS_NOTHING, COMPLETES_COMMANDS, cli_help },
	{ .name = NULL },
};
/* clang-format on */
