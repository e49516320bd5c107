/*
 * Events and emissions: what goes into the engine and what comes out.
 */
#ifndef ENS_RUNTIME_EVENT_H
#define ENS_RUNTIME_EVENT_H

#include "base/status.h"
#include "base/value.h"

/* The entry an event came from.  Redis: the two halves of its ID; files: line number and 0.  Stream: index in the tables. */
struct ens_entry_id {
	uint64_t ms, seq;
	uint32_t stream;
};

/* The stream of what rules derive; `ms` is then a number inside the engine (runtime/layers.h). */
#define ENS_DERIVED_STREAM (UINT32_MAX - 1)

/*
 * One typed event.  `value` has one value for each field of the type (declared, then raw ones).  Everything behind it
 * is borrowed: the engine copies what it keeps.
 */
struct ens_event {
	uint32_t type;              /* index in the tables */
	struct ens_entry_id id;
	bool from_file;             /* the ID is a line number */
	int64_t time_us;
	const struct ens_value *value;
};

struct ens_emission;

/* What it costs time to find out about emissions of one match: for sinks that ask (ens_emission_identify, ens_emission_list). */
struct ens_emission_source {
	enum ens_status (*identify)(const struct ens_emission *e, uint8_t id[16]);
	enum ens_status (*list)(const struct ens_emission *e, const struct ens_entry_id **event, uint32_t *n);
};

/* One complex event, valid during the call that hands it out. */
struct ens_emission {
	uint32_t rule, emit;        /* indices in the tables; emit is absolute in its section */
	const struct ens_value *out;/* one for each out of the emit */
	const struct ens_value *key;/* one for each part of the rule's key */
	int64_t start_us, end_us;   /* time of the first event; event time of the emission */
	const struct ens_emission_source *source;
	bool from_file;             /* its entries are line numbers */
	uint64_t suppressed;        /* emissions that `limit` held back before this one */
	const bool *approx;         /* one for each out: it is cut or an estimate; NULL: none is */
};

/* Its identity: a hash of rule, kind, key and the entries by step.  ENS_ENOMEM, or what the sink may pass on. */
static inline enum ens_status ENS_MUST_CHECK ens_emission_identify(const struct ens_emission *e, uint8_t id[16])
{
	return e->source->identify(e, id);
}

/* The entries that made it, in the order taken; they are borrowed until the sink returns. */
static inline enum ens_status ENS_MUST_CHECK ens_emission_list(const struct ens_emission *e, const struct ens_entry_id **event,
							       uint32_t *n)
{
	return e->source->list(e, event, n);
}

/* Takes emissions as they are found.  A status other than ENS_OK stops the engine with it. */
struct ens_emission_sink {
	enum ens_status (*emit)(void *user, const struct ens_emission *e);
	void *user;
};

#endif
