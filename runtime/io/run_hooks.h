/*
 * Who looks on at a run.  Any of the calls may be NULL.
 */
#ifndef ENS_RUNTIME_IO_RUN_HOOKS_H
#define ENS_RUNTIME_IO_RUN_HOOKS_H

#include "runtime/engine.h"
#include "runtime/order.h"

struct ens_run_hooks {
	/* Before the first event.  A status other than ENS_OK ends the run with it. */
	enum ens_status (*begin)(void *user, struct ens_engine *engine, struct ens_order *order);
	/* After the last, before engine and order are closed; only if `begin` came. */
	void (*end)(void *user, const struct ens_engine *engine, const struct ens_order *order);
	void *user;
};

#endif
