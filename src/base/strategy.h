/* strategy.h - how a version takes the place of the one before. Both the machines and the configuration
 * name these, and neither includes the other. */
#ifndef SLIPWAY_BASE_STRATEGY_H
#define SLIPWAY_BASE_STRATEGY_H

#define STRATEGIES(X)                                                                          \
	X(BLUE_GREEN) /* the new one starts beside the old one and takes its traffic over */   \
	X(STOP_FIRST) /* the old one is stopped before; requests wait at the edge meanwhile */ \
	X(RECREATE) /* the same without waiting: requests fail meanwhile */

#define STRATEGY_KIND(name) STRATEGY_##name,
enum strategy { STRATEGIES(STRATEGY_KIND) STRATEGY_COUNT };
#undef STRATEGY_KIND

#endif
