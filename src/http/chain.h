/* chain.h - doubly linked rings whose links live inside their members.
 *
 * The one idea: a connection or request is in at most one list for each link it has, and
 * leaving a list needs no knowledge of which one it is. A link that is in no list points at
 * itself. */
#ifndef SLIPWAY_HTTP_CHAIN_H
#define SLIPWAY_HTTP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

struct chain { /* the head of a list, or the link of a member */
	struct chain *previous;
	struct chain *next;
};

/* The struct of type that holds link as its member. */
#define CHAIN_OWNER(link, type, member) \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void
chain_init(struct chain *link)
{
	link->previous = link;
	link->next = link;
}

static inline bool
chain_is_empty(const struct chain *link) /* of a member: it is in no list */
{
	return link->next == link;
}

static inline void
chain_remove(struct chain *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	chain_init(link);
}

/* Takes the first one out; NULL when there is none. */
static inline struct chain *
chain_take(struct chain *list)
{
	struct chain *link = list->next;

	if (link == list)
		return NULL;
	list->next = link->next;
	link->next->previous = list;
	chain_init(link);
	return link;
}

/* Moves link to the end of list, from wherever it was. */
static inline void
chain_append(struct chain *list, struct chain *link)
{
	chain_remove(link);
	link->previous = list->previous;
	link->next = list;
	list->previous->next = link;
	list->previous = link;
}

#endif
