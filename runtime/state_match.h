/*
 * The engine's part of saved state; see runtime/state.h.
 */
#ifndef ENS_RUNTIME_STATE_MATCH_H
#define ENS_RUNTIME_STATE_MATCH_H

#include "runtime/engine.h"
#include "runtime/state_code.h"

bool ens_engine_save(const struct ens_engine *e, struct ens_state_out *out); /* false: no memory */
bool ens_engine_load(struct ens_engine *e, struct ens_state_in *in);         /* false: `in` says why */

#endif
