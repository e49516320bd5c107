/*
 * What tables may ask for that this engine does not do yet.
 *
 * The compiler checks the whole language and carries it in the tables; the engine gains it piece by piece.  Tables that
 * need a missing piece are refused when they are opened, by rule and by name, never run with another meaning.
 */
#ifndef ENS_RUNTIME_SUPPORTED_H
#define ENS_RUNTIME_SUPPORTED_H

#include "runtime/tables.h"

/* ENS_OK if the engine does all that the tables ask for; else ENS_ERULES with the first piece that is missing in `err`. */
enum ens_status ens_tables_supported(const struct ens_tables *t, struct ens_error *err) ENS_MUST_CHECK;
/* The same of one rule by itself. */
enum ens_status ens_rule_supported(const struct ens_tables *t, uint32_t rule, struct ens_error *err) ENS_MUST_CHECK;

#endif
