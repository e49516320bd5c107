/*
 * One Redis connection on hiredis's connect and reader.
 *
 * Guarantee: no call blocks for longer than its timeout (name resolution apart); passwords are never part of a message;
 * whatever bytes a server sends, an answer is bounded (ANSWER_MAX_BYTES, ANSWER_MAX_ELEMENTS) or the connection ends.
 * Tested by tests/unit/test_redis_reply.c (addresses, errors) and tests/redis.
 */
#define _GNU_SOURCE
#include "runtime/io/redis_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "base/text.h"
#include "runtime/io/clock.h"
#include "runtime/io/log.h"
#include "runtime/io/monitor.h"

#define CONNECT_TIMEOUT_S 5
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define ANSWER_MAX_ELEMENTS 1000000
#define SECRET_MAX_BYTES 4096
#define PAUSE_MIN_US 50000
#define PAUSE_MAX_US 1000000
#define STOP_PATIENCE_US 5000000 /* a run that was asked to end tries that long to leave things in order */

struct ens_redis_conn {
	redisContext *hiredis;
	redisReplyObjectFunctions fn; /* hiredis's own, with a bound on arrays */
	void *(*create_array)(const redisReadTask *, int);
};

/* ---- where ------------------------------------------------------------------------------------------------------- */

static void free_secret(char *s)
{
	if (!s)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}

void ens_redis_address_free(struct ens_redis_address *a)
{
	free(a->host);
	free_secret(a->user);
	free_secret(a->password);
	memset(a, 0, sizeof(*a));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A copy of s with %XX undone; NULL without memory or for a %00 or a broken escape. */
static char *unescape(const char *s, size_t len)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			out[n++] = s[i];
			continue;
		}
		high = i + 2 < len ? hex_digit(s[i + 1]) : -1;
		low = i + 2 < len ? hex_digit(s[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0)) {
			free(out);
			return NULL;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	out[n] = '\0';
	return out;
}

static bool parse_number(const char *s, size_t len, int64_t max, int *out)
{
	int64_t n;

	if (!ens_parse_int(s, len, &n) || n < 0 || n > max || (len > 0 && (s[0] == '+' || s[0] == '-')))
		return false;
	*out = (int)n;
	return true;
}

/* [[user]:password@]: what stands before the '@'.  A lone word is the password, as redis-cli has it. */
static bool parse_login(struct ens_redis_address *a, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);

	if (!colon) {
		a->password = unescape(s, len);
		return a->password != NULL;
	}
	if (colon > s) {
		a->user = unescape(s, (size_t)(colon - s));
		if (!a->user)
			return false;
	}
	a->password = unescape(colon + 1, (size_t)(s + len - colon - 1));
	return a->password != NULL;
}

static bool parse_host(struct ens_redis_address *a, const char *s, size_t len)
{
	const char *name = s;
	const char *colon;
	size_t name_len;

	if (len > 0 && s[0] == '[') {
		const char *close = memchr(s, ']', len);

		if (!close)
			return false;
		name = s + 1;
		name_len = (size_t)(close - name);
		colon = close + 1 < s + len ? close + 1 : NULL;
		if (colon && *colon != ':')
			return false;
	} else {
		colon = memchr(s, ':', len);
		name_len = colon ? (size_t)(colon - s) : len;
	}
	a->port = 6379;
	if (colon && (!parse_number(colon + 1, (size_t)(s + len - colon - 1), 65535, &a->port) || a->port == 0))
		return false;
	a->host = name_len > 0 ? unescape(name, name_len) : strdup("localhost");
	return a->host != NULL;
}

static bool parse_tcp(struct ens_redis_address *a, const char *s)
{
	const char *end = s + strcspn(s, "/?#");
	const char *at = memrchr(s, '@', (size_t)(end - s));
	size_t db_len;

	if (at) {
		if (!parse_login(a, s, (size_t)(at - s)))
			return false;
		s = at + 1;
	}
	if (!parse_host(a, s, (size_t)(end - s)))
		return false;
	if (*end == '\0' || strcmp(end, "/") == 0)
		return true;
	db_len = strlen(end + 1);
	return *end == '/' && parse_number(end + 1, db_len, INT_MAX, &a->db);
}

static bool parse_unix(struct ens_redis_address *a, const char *s)
{
	size_t path_len = strcspn(s, "?");

	a->is_unix = true;
	if (path_len == 0 || s[0] != '/')
		return false;
	a->host = unescape(s, path_len);
	if (!a->host)
		return false;
	if (s[path_len] == '\0')
		return true;
	s += path_len + 1;
	return strncmp(s, "db=", 3) == 0 && parse_number(s + 3, strlen(s + 3), INT_MAX, &a->db);
}

static enum ens_status read_password(const char *path, struct ens_redis_address *a, struct ens_error *err)
{
	char room[SECRET_MAX_BYTES];
	FILE *f = fopen(path, "re");
	size_t len;
	bool whole;

	if (!f)
		return ens_fail(err, ENS_EENV, "the password file %s can't be read: %s", path, strerror(errno));
	len = fread(room, 1, sizeof(room) - 1, f);
	whole = !ferror(f);
	fclose(f);
	room[len] = '\0';
	room[strcspn(room, "\r\n")] = '\0';
	if (whole && room[0] != '\0') {
		free_secret(a->password);
		a->password = strdup(room);
	}
	explicit_bzero(room, sizeof(room));
	if (!whole || !a->password)
		return ens_fail(err, ENS_EENV,
				"the password file %s is empty or can't be read; its first line must be the password",
				path);
	return ENS_OK;
}

enum ens_status ens_redis_address_parse(const char *url, const char *password_file, struct ens_redis_address *out,
					struct ens_error *err)
{
	struct ens_redis_address a = {0};
	enum ens_status status = ENS_OK;
	bool good = false;

	if (strncmp(url, "rediss://", 9) == 0)
		return ens_fail(err, ENS_EINPUT, "rediss:// (TLS) is not supported yet; use redis:// or unix://");
	if (strncmp(url, "redis://", 8) == 0)
		good = parse_tcp(&a, url + 8);
	else if (strncmp(url, "unix://", 7) == 0)
		good = parse_unix(&a, url + 7);
	if (!good) /* the URL itself is not shown: it may hold a password */
		status = ens_fail(err, ENS_EINPUT,
				  "the Redis URL is not understood; it looks like redis://user:password@host:6379/0 "
				  "or unix:///path/to/redis.sock?db=0");
	if (status == ENS_OK && password_file)
		status = read_password(password_file, &a, err);
	if (status != ENS_OK) {
		ens_redis_address_free(&a);
		return status;
	}
	if (a.is_unix)
		(void)snprintf(a.shown, sizeof(a.shown), "unix://%s", a.host);
	else
		(void)snprintf(a.shown, sizeof(a.shown),
			       strchr(a.host, ':') ? "redis://[%s]:%d/%d" : "redis://%s:%d/%d", a.host, a.port, a.db);
	*out = a;
	return ENS_OK;
}

/* ---- patience ---------------------------------------------------------------------------------------------------- */

static struct ens_log_often trouble; /* one line a minute for the whole process, as is right for one log */

enum ens_status ens_redis_wait(const struct ens_redis_env *env, struct ens_redis_patience *p, struct ens_error *err)
{
	int64_t limit_us = env->give_up_us;
	int64_t now_us = ens_clock_us();
	struct ens_error last = *err;

	ens_monitor_retried(env->monitor);
	if (p->since_us == 0) {
		p->since_us = now_us;
		p->pause_us = PAUSE_MIN_US;
		ens_log_often(&trouble, "%s; trying again", last.text);
	}
	if (*env->stop && limit_us > STOP_PATIENCE_US)
		limit_us = STOP_PATIENCE_US;
	if (now_us - p->since_us >= limit_us)
		return ens_fail(err, ENS_EENV, "%s; gave up after %lld s", last.text,
				(long long)((now_us - p->since_us) / 1000000));
	ens_clock_sleep(p->pause_us + now_us % (p->pause_us / 4)); /* not in step with other workers */
	if (p->pause_us < PAUSE_MAX_US)
		p->pause_us = p->pause_us * 2 < PAUSE_MAX_US ? p->pause_us * 2 : PAUSE_MAX_US;
	return ENS_OK;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

/* X LENGTH CRLF */
static void add_count(struct ens_buf *b, char kind, size_t n)
{
	char room[24];
	char *at = room + sizeof(room);

	*--at = '\n';
	*--at = '\r';
	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	*--at = kind;
	ens_buf_add(b, at, (size_t)(room + sizeof(room) - at));
}

void ens_resp_begin(struct ens_buf *b, size_t nargs)
{
	add_count(b, '*', nargs);
}

void ens_resp_arg(struct ens_buf *b, const char *s, size_t len_bytes)
{
	add_count(b, '$', len_bytes);
	ens_buf_add(b, s, len_bytes);
	ens_buf_add(b, "\r\n", 2);
}

void ens_resp_text(struct ens_buf *b, const char *s)
{
	ens_resp_arg(b, s, strlen(s));
}

void ens_resp_number(struct ens_buf *b, uint64_t n)
{
	char room[24];
	char *at = room + sizeof(room);

	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	ens_resp_arg(b, at, (size_t)(room + sizeof(room) - at));
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void *bounded_array(const redisReadTask *task, int elements)
{
	struct ens_redis_conn *c = task->privdata;

	return elements > ANSWER_MAX_ELEMENTS ? NULL : c->create_array(task, elements);
}

static enum ens_status lost(const char *why, struct ens_error *err)
{
	return ens_fail(err, ENS_EEND, "the connection to Redis was lost: %s", why);
}

void ens_redis_close(struct ens_redis_conn *c)
{
	if (!c)
		return;
	if (c->hiredis)
		redisFree(c->hiredis);
	free(c);
}

int ens_redis_fd(const struct ens_redis_conn *c)
{
	return c->hiredis->fd;
}

/* Waits for the events; false: not within the time (or a signal came: the caller's loop looks at the clock again). */
static bool wait_for(const struct ens_redis_conn *c, short events, int64_t wait_us)
{
	struct pollfd p = {.fd = c->hiredis->fd, .events = events};
	int wait_ms = wait_us <= 0 ? 0 : wait_us > 1000000 ? 1000 : (int)((wait_us + 999) / 1000);

	return poll(&p, 1, wait_ms) > 0;
}

enum ens_status ens_redis_send(struct ens_redis_conn *c, const struct ens_buf *command, struct ens_error *err)
{
	int64_t until_us = ens_clock_us() + ENS_REDIS_TIMEOUT_US;
	size_t done = 0;

	if (command->failed)
		return ens_fail(err, ENS_ENOMEM, "out of memory for a command of %zu bytes", command->len);
	while (done < command->len) {
		ssize_t n =
			send(c->hiredis->fd, command->data + done, command->len - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			done += (size_t)n;
			until_us = ens_clock_us() + ENS_REDIS_TIMEOUT_US;
		} else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			return lost(strerror(errno), err);
		} else if (!wait_for(c, POLLOUT, until_us - ens_clock_us()) && ens_clock_us() >= until_us) {
			return lost("the server takes no commands", err);
		}
	}
	return ENS_OK;
}

enum ens_status ens_redis_receive(struct ens_redis_conn *c, char *into, size_t cap, size_t *len_bytes,
				  struct ens_error *err)
{
	ssize_t n;

	do {
		n = recv(c->hiredis->fd, into, cap, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		n = 0;
	else if (n == 0)
		return lost("the server closed it", err);
	else if (n < 0)
		return lost(strerror(errno), err);
	*len_bytes = (size_t)n;
	return ENS_OK;
}

static enum ens_status parse_failed(const redisReader *r, struct ens_error *err)
{
	if (r->err == REDIS_ERR_OOM)
		return ens_fail(err, ENS_EENV,
				"an answer of the Redis server does not fit into memory or is not sensible");
	return ens_fail(err, ENS_EENV, "what answers there does not speak the Redis protocol (%s)", r->errstr);
}

enum ens_status ens_redis_answer(struct ens_redis_conn *c, int64_t wait_us, struct redisReply **out,
				 struct ens_error *err)
{
	redisReader *r = c->hiredis->reader;
	int64_t until_us = ens_clock_us() + wait_us;
	char chunk[16384];

	for (;;) {
		void *reply = NULL;
		size_t len = 0;
		enum ens_status status;

		if (redisReaderGetReply(r, &reply) != REDIS_OK)
			return parse_failed(r, err);
		*out = reply;
		if (reply)
			return ENS_OK;
		status = ens_redis_receive(c, chunk, sizeof(chunk), &len, err);
		if (status != ENS_OK)
			return status;
		if (len > 0) {
			if (r->len > ANSWER_MAX_BYTES || redisReaderFeed(r, chunk, len) != REDIS_OK)
				return ens_fail(err, ENS_EENV, "an answer of the Redis server is too large");
		} else if (!wait_for(c, POLLIN, until_us - ens_clock_us()) && ens_clock_us() >= until_us) {
			return ENS_OK;
		}
	}
}

void ens_redis_free(struct redisReply *r)
{
	if (r)
		freeReplyObject(r);
}

enum ens_status ens_redis_call(struct ens_redis_conn *c, const struct ens_buf *command, struct redisReply **out,
			       struct ens_error *err)
{
	enum ens_status status = ens_redis_send(c, command, err);

	if (status == ENS_OK)
		status = ens_redis_answer(c, ENS_REDIS_TIMEOUT_US, out, err);
	if (status == ENS_OK && !*out)
		status = lost("no answer in 10 s", err);
	return status;
}

/* One step of getting in.  Final errors are said in words; those that pass give ENS_EEND. */
static enum ens_status enter(const struct ens_redis_env *env, struct ens_redis_conn *c, struct ens_buf *command,
			     const char *what, struct ens_error *err)
{
	struct redisReply *reply = NULL;
	enum ens_status status = ens_redis_call(c, command, &reply, err);

	if (status == ENS_OK && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOPERM", 6) != 0) {
		if (ens_redis_judge(reply->str) == ENS_REDIS_STOP)
			status = ens_redis_refused(env, what, reply->str, err);
		else
			status = ens_fail(err, ENS_EEND, "Redis at %s is not ready: %s", env->address->shown,
					  reply->str);
	}
	ens_redis_free(reply);
	return status;
}

/* PING shows at once whether a password is needed and whether what answers there is Redis at all. */
static enum ens_status get_in(const struct ens_redis_env *env, struct ens_redis_conn *c, struct ens_error *err)
{
	const struct ens_redis_address *a = env->address;
	struct ens_buf command = ENS_BUF_EMPTY;
	enum ens_status status = ENS_OK;

	if (a->password) {
		ens_resp_begin(&command, a->user ? 3 : 2);
		ens_resp_text(&command, "AUTH");
		if (a->user)
			ens_resp_text(&command, a->user);
		ens_resp_text(&command, a->password);
		status = enter(env, c, &command, "logging in", err);
		if (command.data)
			explicit_bzero(command.data, command.cap);
	}
	if (status == ENS_OK) {
		ens_buf_clear(&command);
		ens_resp_begin(&command, 1);
		ens_resp_text(&command, "PING");
		status = enter(env, c, &command, "talking to the server", err);
	}
	if (status == ENS_OK && a->db != 0) {
		ens_buf_clear(&command);
		ens_resp_begin(&command, 2);
		ens_resp_text(&command, "SELECT");
		ens_resp_number(&command, (uint64_t)a->db);
		status = enter(env, c, &command, "choosing the database", err);
	}
	ens_buf_free(&command);
	return status;
}

enum ens_status ens_redis_open(const struct ens_redis_env *env, struct ens_redis_conn **out, struct ens_error *err)
{
	const struct ens_redis_address *a = env->address;
	const struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
	struct ens_redis_conn *c = calloc(1, sizeof(*c));
	enum ens_status status;
	int yes = 1;

	if (!c)
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	c->hiredis = a->is_unix ? redisConnectUnixWithTimeout(a->host, timeout)
				: redisConnectWithTimeout(a->host, a->port, timeout);
	if (!c->hiredis) {
		ens_redis_close(c);
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	}
	if (c->hiredis->err) {
		status = ens_fail(err, env->starting ? ENS_EENV : ENS_EEND, "Redis at %s can't be reached: %s",
				  a->shown, c->hiredis->errstr);
		ens_redis_close(c);
		return status;
	}
	(void)fcntl(c->hiredis->fd, F_SETFD, FD_CLOEXEC);
	if (!a->is_unix)
		(void)setsockopt(c->hiredis->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	c->fn = *c->hiredis->reader->fn;
	c->create_array = c->fn.createArray;
	c->fn.createArray = bounded_array;
	c->hiredis->reader->fn = &c->fn;
	c->hiredis->reader->privdata = c;
	status = get_in(env, c, err);
	if (status != ENS_OK) {
		ens_redis_close(c);
		return status;
	}
	ens_monitor_connected(env->monitor);
	*out = c;
	return ENS_OK;
}

/* ---- error answers ----------------------------------------------------------------------------------------------- */

static bool begins(const char *s, const char *word)
{
	size_t len = strlen(word);

	return strncmp(s, word, len) == 0 && (s[len] == ' ' || s[len] == '\0');
}

enum ens_redis_verdict ens_redis_judge(const char *error)
{
	static const char *const retry[] = {"LOADING",  "BUSY",    "OOM",        "MASTERDOWN",
					    "TRYAGAIN", "MISCONF", "NOREPLICAS", "CLUSTERDOWN"};
	static const char *const reconnect[] = {"READONLY", "UNBLOCKED", "UNKILLABLE"};

	for (size_t i = 0; i < sizeof(retry) / sizeof(*retry); i++)
		if (begins(error, retry[i]))
			return ENS_REDIS_RETRY;
	for (size_t i = 0; i < sizeof(reconnect) / sizeof(*reconnect); i++)
		if (begins(error, reconnect[i]))
			return ENS_REDIS_RECONNECT;
	if (begins(error, "NOSCRIPT"))
		return ENS_REDIS_NOSCRIPT;
	if (strstr(error, "max number of clients reached"))
		return ENS_REDIS_RECONNECT;
	return ENS_REDIS_STOP;
}

enum ens_status ens_redis_refused(const struct ens_redis_env *env, const char *what, const char *error,
				  struct ens_error *err)
{
	const char *where = env->address->shown;

	if (begins(error, "NOAUTH"))
		return ens_fail(err, ENS_EENV,
				"Redis at %s asks for a password; give it in the URL (redis://user:password@host) or "
				"with --password-file",
				where);
	if (begins(error, "WRONGPASS") || strstr(error, "without any password configured"))
		return ens_fail(err, ENS_EENV, "Redis at %s does not accept this user and password (%s)", where, error);
	if (begins(error, "NOPERM"))
		return ens_fail(err, ENS_EENV,
				"Redis at %s does not permit %s: %s; the user needs that right (ACL SETUSER)", where,
				what, error);
	/* What a script runs is checked command by command, and the server does not say which one it was. */
	if (strstr(error, "executing the script can't"))
		return ens_fail(err, ENS_EENV,
				"Redis at %s does not permit a command or key that %s needs: %s; the user needs "
				"+@read +@write +@scripting +@connection +time for the job's keys and streams (ACL SETUSER)",
				where, what, error);
	if (begins(error, "MOVED") || begins(error, "ASK") || begins(error, "CROSSSLOT"))
		return ens_fail(err, ENS_EENV, "Redis at %s is part of a cluster, which is not supported yet (%s: %s)",
				where, what, error);
	if (strstr(error, "unknown command") || strstr(error, "Unknown Redis command"))
		return ens_fail(err, ENS_EENV,
				"Redis at %s lacks a command that is needed for %s (%s); Redis 7.0 or later is needed",
				where, what, error);
	return ens_fail(err, ENS_EENV, "Redis at %s refused %s: %s", where, what, error);
}
