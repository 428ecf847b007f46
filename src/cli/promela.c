/* promela.c - see promela.h.
 *
 * The one idea: what a row says is printed, what its names mean is not. `deploy_step(me, ev)` has one
 * branch for each row and event, in the order of the table; a guard g becomes deploy_IS_g(me, ev)
 * in its row and deploy_NOT_g(me, ev) in those behind it, an action becomes deploy_DO_g(me, ev),
 * and deploy_TAKE() gets the next state, the effect, and whether the step is kept by the store. So a
 * name that the model lacks does not compile. */
#include "cli/promela.h"

#include "base/check.h"

static void
write_names(struct buf *to, const char *prefix, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		buf_format(to, "#define %s_%s %d\n", prefix, names[i], i + 1);
}

void
promela_write_names(struct buf *to)
{
	const char *before = "";

	buf_text(to, "/* made by `slipway machines --promela`; do not edit */\n"
		     "#define FX_NOTHING 0\n");
	write_names(to, "EV", event_names, EV_COUNT);
	write_names(to, "FX", effect_names, FX_COUNT);
	buf_text(to, "#define IS_TIED_TO_EPOCH(ev) (");
	for (int i = 0; i < EV_COUNT; i++) {
		if (!fsm_is_tied_to_epoch((enum event_kind)i))
			continue;
		buf_format(to, "%s(ev) == EV_%s", before, event_names[i]);
		before = " || ";
	}
	buf_text(to, ")\n");
}

static void
write_states(struct buf *to, const struct spec *s, const char *what, uint64_t set)
{
	const char *before = "";

	buf_format(to, "#define %s_IS_%s(state) (", s->name, what);
	for (int i = 0; i < s->state_count; i++) {
		if (!(set >> i & 1u))
			continue;
		buf_format(to, "%s(state) == %s_%s", before, s->name, s->state_names[i]);
		before = " || ";
	}
	buf_text(to, set == 0 ? "false)\n" : ")\n");
}

/* The row is taken when no row before it in this cell was. */
static void
write_condition(struct buf *to, const struct spec *s, int row, int event)
{
	const struct row *r = &s->rows[row];

	buf_format(to, "\t\t:: ev == EV_%s", event_names[event]);
	for (int i = 0; i < row; i++)
		if (s->rows[i].in == r->in && (s->rows[i].on >> event & 1u))
			buf_format(
			    to, " && %s_NOT_%s(me, ev)", s->name, s->rows[i].guard_name);
	if (r->guard != always)
		buf_format(to, " && %s_IS_%s(me, ev)", s->name, r->guard_name);
}

static void
write_taken(struct buf *to, const struct spec *s, const struct row *r)
{
	const char *effect = "NOTHING";

	CHECK((r->emits & (r->emits - 1)) == 0); /* a state has at most one effect open */
	for (int i = 0; i < FX_COUNT; i++)
		if (r->emits >> i & 1u)
			effect = effect_names[i];
	buf_format(to, " -> %s_DO_%s(me, ev); %s_TAKE(me, %s_%s, FX_%s, %s)\n", s->name,
	    r->action_name, s->name, s->name, s->state_names[r->then], effect,
	    r->is_quiet ? "QUIET" : "KEPT");
}

static void
write_state(struct buf *to, const struct spec *s, int state)
{
	buf_format(to, "\t:: %s_state[me] == %s_%s ->\n\t\tif\n", s->name, s->name,
	    s->state_names[state]);
	for (int i = 0; i < s->row_count; i++)
		for (int event = 0; event < EV_COUNT; event++) {
			if (s->rows[i].in != state || !(s->rows[i].on >> event & 1u))
				continue;
			write_condition(to, s, i, event);
			write_taken(to, s, &s->rows[i]);
		}
	buf_text(to, "\t\t:: else -> skip\n\t\tfi\n");
}

void
promela_write(const struct spec *s, struct buf *to)
{
	uint64_t all = STATE(s->state_count) - 1;

	buf_format(to, "\n/* %s */\n", s->name);
	for (int i = 0; i < s->state_count; i++)
		buf_format(to, "#define %s_%s %d\n", s->name, s->state_names[i], i + 1);
	write_states(to, s, "INITIAL", s->initial);
	write_states(to, s, "FINAL", s->final);
	write_states(to, s, "RESTING", s->resting);
	buf_format(to, "inline %s_step(me, ev) {\n\tif\n", s->name);
	for (int i = 0; i < s->state_count; i++)
		if (all & ~s->final & STATE(i))
			write_state(to, s, i);
	buf_text(to, "\t:: else -> skip\n\tfi\n}\n");
}
