/*
 * A job's keys on the server, its lease, and the scripts that change them (runtime.md section 2).
 *
 * The job owns the connection for commands.  It knows nothing of emissions: runtime/io/redis_sink.h does.
 */
#ifndef ENS_RUNTIME_IO_REDIS_JOB_H
#define ENS_RUNTIME_IO_REDIS_JOB_H

#include "runtime/io/redis_conn.h"
#include "runtime/tables.h"
#include "runtime/worker.h"

#define ENS_REDIS_LEASE_US 10000000
#define ENS_REDIS_RENEW_US 3000000
#define ENS_REDIS_HEX 32 /* digits of an owner and of a chain */

struct ens_redis_key {
	char *s;
	size_t len;
};

/* Positions of the keys that every job has; the output streams follow. */
enum { ENS_REDIS_HEAD, ENS_REDIS_JOURNAL, ENS_REDIS_DEAD, ENS_REDIS_OUTPUTS };

enum ens_redis_script {
	ENS_REDIS_TAKE,
	ENS_REDIS_RENEW,
	ENS_REDIS_RELEASE,
	ENS_REDIS_PREPARE,
	ENS_REDIS_COMMIT,
	ENS_REDIS_NSCRIPT
};

struct ens_redis_job {
	struct ens_redis_env *env;
	const struct ens_tables *tables;
	const char *name;
	struct ens_redis_conn *conn;      /* NULL: none */
	struct ens_redis_key *key;        /* of the scripts, in the order above */
	uint32_t nkey;
	uint32_t *emit_key;               /* per emit of the tables: its stream among `key` */
	uint32_t *late_key;               /* per type with `late to`: that stream among `key` */
	char sha[ENS_REDIS_NSCRIPT][41];
	char owner[ENS_REDIS_HEX + 1];    /* ours; empty: the lease was never had */
	uint64_t commit;                  /* number of the last commit known to be made */
	char chain[ENS_REDIS_HEX + 1];    /* its chain; empty before the first */
	int64_t renewed_us;               /* monotonic: the lease was last renewed then */
};

/* Letters, digits, . _ - and at most 64 of them. */
bool ens_redis_job_name_valid(const char *name);

/* `env`, `tables` and `name` must outlive the job. */
enum ens_status ens_redis_job_init(struct ens_redis_job *j, struct ens_redis_env *env, const struct ens_tables *tables,
				   const char *name, struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_job_free(struct ens_redis_job *j);

/* Connects and loads the scripts.  ENS_EEND as ens_redis_open. */
enum ens_status ens_redis_job_connect(struct ens_redis_job *j, struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_job_disconnect(struct ens_redis_job *j);
enum ens_status ens_redis_job_load_scripts(struct ens_redis_job *j, struct ens_error *err) ENS_MUST_CHECK;

/* The beginning of a script's command: EVALSHA, the script, its keys; `nargs` arguments are to follow. */
void ens_redis_job_begin(const struct ens_redis_job *j, enum ens_redis_script script, size_t nargs,
			 struct ens_buf *into);

/* Starts the job: waits for the lease as long as another worker holds it (or until asked to stop: ENS_EEND), reads
 * where the job stands into `p`, creates keys that are not there.  ENS_EENV: rules other than the job's, wrong types,
 * ... */
enum ens_status ens_redis_job_start(struct ens_redis_job *j, struct ens_progress *p,
				    struct ens_error *err) ENS_MUST_CHECK;

/*
 * After a lost connection: connects again (with patience), takes the lease anew, which fences everything that was under
 * way, and says which commit the job is at.  ENS_EFENCED: another worker has it; ENS_EENV: gave up, or the job is gone.
 */
enum ens_status ens_redis_job_recover(struct ens_redis_job *j, uint64_t *commit, char chain[ENS_REDIS_HEX + 1],
				      struct ens_error *err) ENS_MUST_CHECK;

/* Creates those of the job's keys that are not there. */
enum ens_status ens_redis_job_prepare(struct ens_redis_job *j, struct ens_error *err) ENS_MUST_CHECK;

/* Gives the lease back, so that the next start need not wait.  Failures do not matter: it expires. */
void ens_redis_job_release(struct ens_redis_job *j);

/* The words for GONE and FENCED. */
enum ens_status ens_redis_job_gone(const struct ens_redis_job *j, struct ens_error *err);
enum ens_status ens_redis_job_fenced(const struct ens_redis_job *j, struct ens_error *err);

/* Head fields of the progress, name and value as two arguments each; returns their number. */
size_t ens_redis_job_add_progress(const struct ens_redis_job *j, const struct ens_progress *p, struct ens_buf *into);
/* "MS-SEQ" as one argument's text. */
void ens_entry_id_format(struct ens_buf *b, struct ens_entry_at id);

#endif
