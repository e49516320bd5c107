/*
 * `ensue demo`: the whole path in one command, on a private Redis server.
 *
 * A redis-server on a Unix socket in a fresh temporary folder (no port, nothing saved), `ensue run` on it as a process of
 * its own, a made-up stream fed live, and what comes out printed as it arrives.  Guarantee: whatever ends the demo
 * (time, Ctrl-C, an error), both processes are ended and the folder is removed; should the demo itself be killed, the
 * system ends them (PR_SET_PDEATHSIG).  Tested by tests/cli/demo.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define PATH_ROOM 512
#define SERVER_START_MS 5000
#define STOP_MS 3000
#define READ_BLOCK_MS 40  /* how long one look for detections may hold up the feeding */
#define LOGIN_EVERY_MS 120
#define BEAT_EVERY_MS 500
#define ATTACK_AT_MS 1200
#define GUESS_EVERY_MS 150
#define NGUESS 7          /* the last one is right */
#define SILENT_AT_MS 3000 /* the last heartbeat of the silent device */
#define END_MS 10000

static const char rules_text[] =
#include "tools/demo_rules.h"
	;

static volatile sig_atomic_t stop_signal;

struct demo {
	char dir[PATH_ROOM / 2];
	char socket[PATH_ROOM], rules[PATH_ROOM], url[PATH_ROOM], server_log[PATH_ROOM], worker_log[PATH_ROOM];
	pid_t server, worker; /* 0: not running */
	redisContext *redis;
	int64_t start_ms;
	char last_id[64];     /* of the alerts shown */
	uint32_t random;
	int64_t next_login_ms, next_beat_ms;
	int nguess;
	bool told_silent, told_attack;
	int logins, beats, detections, first_detection_ms;
	bool seen_attack, seen_silence;
};

static void on_signal(int sig)
{
	stop_signal = sig;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* ---- processes ---------------------------------------------------------------------------------------------------- */

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char name[PATH_ROOM];

	for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
		const size_t len = strcspn(p, ":");

		snprintf(name, sizeof name, "%.*s/%s", (int)len, p, program);
		if (access(name, X_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

/* Starts a program with its output in a log; in its own process group, so that Ctrl-C reaches the demo alone. */
static pid_t start(char *const *argv, const char *log)
{
	const pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (getppid() != parent || null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static void stop_process(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	for (int64_t until = now_ms() + STOP_MS; now_ms() < until; pause_ms(10))
		if (waitpid(*pid, NULL, WNOHANG) != 0) {
			*pid = 0;
			return;
		}
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void remove_folder(const char *dir)
{
	char name[PATH_ROOM * 2];
	DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlink(name);
	}
	if (d)
		closedir(d);
	if (rmdir(dir) != 0)
		cli_say("%s could not be removed: %s", dir, strerror(errno));
}

static void show_log(const char *what, const char *path)
{
	char line[512];
	FILE *f = fopen(path, "r");

	fprintf(stderr, "%s said:\n", what);
	while (f && fgets(line, sizeof line, f))
		fprintf(stderr, "  %s", line);
	if (f)
		fclose(f);
}

static void clean_up(struct demo *d)
{
	if (d->redis)
		redisFree(d->redis);
	d->redis = NULL;
	stop_process(&d->worker);
	stop_process(&d->server);
	if (d->dir[0])
		remove_folder(d->dir);
}

/* ---- starting ----------------------------------------------------------------------------------------------------- */

static enum cli_exit make_folder(struct demo *d)
{
	const char *tmp = getenv("TMPDIR");

	/* the path of a Unix socket has room for about 100 bytes */
	if (!tmp || !*tmp || strlen(tmp) > 60)
		tmp = "/tmp";
	snprintf(d->dir, sizeof d->dir, "%s/ensue-demo.XXXXXX", tmp);
	if (!mkdtemp(d->dir)) {
		cli_say("no temporary folder can be made in %s: %s", tmp, strerror(errno));
		d->dir[0] = '\0';
		return CLI_ENV;
	}
	snprintf(d->socket, sizeof d->socket, "%s/redis.sock", d->dir);
	snprintf(d->url, sizeof d->url, "unix://%s/redis.sock", d->dir);
	snprintf(d->rules, sizeof d->rules, "%s/demo.ens", d->dir);
	snprintf(d->server_log, sizeof d->server_log, "%s/redis.log", d->dir);
	snprintf(d->worker_log, sizeof d->worker_log, "%s/ensue.log", d->dir);

	FILE *f = fopen(d->rules, "w");
	const bool bad = !f || fputs(rules_text, f) < 0;

	if ((f && fclose(f) != 0) || bad) {
		cli_say("%s can't be written: %s", d->rules, strerror(errno));
		return CLI_ENV;
	}
	return CLI_DONE;
}

static enum cli_exit start_server(struct demo *d)
{
	char *argv[] = {"redis-server", "--port", "0", "--unixsocket", d->socket, "--unixsocketperm", "700", "--save", "",
			"--appendonly", "no", "--daemonize", "no", "--dir", d->dir, NULL};
	const struct timeval patience = {.tv_sec = 5};

	d->server = start(argv, d->server_log);
	if (d->server < 0) {
		d->server = 0;
		cli_say("redis-server could not be started: %s", strerror(errno));
		return CLI_ENV;
	}
	for (int64_t until = now_ms() + SERVER_START_MS; now_ms() < until && !stop_signal; pause_ms(10)) {
		if (waitpid(d->server, NULL, WNOHANG) != 0) {
			d->server = 0;
			break;
		}
		if (access(d->socket, F_OK) != 0)
			continue;
		d->redis = redisConnectUnixWithTimeout(d->socket, patience);
		if (d->redis && !d->redis->err) {
			redisSetTimeout(d->redis, patience);
			return CLI_DONE;
		}
		if (d->redis)
			redisFree(d->redis);
		d->redis = NULL;
	}
	if (stop_signal)
		return CLI_DONE;
	cli_say("the private redis-server did not come up");
	show_log("redis-server", d->server_log);
	return CLI_ENV;
}

static enum cli_exit start_worker(struct demo *d)
{
	char self[PATH_ROOM] = "ensue";
	const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n > 0)
		self[n] = '\0';
	char *argv[] = {self, "run", d->rules, "--redis", d->url, "--job", "demo", NULL};

	d->worker = start(argv, d->worker_log);
	if (d->worker > 0)
		return CLI_DONE;
	d->worker = 0;
	cli_say("ensue run could not be started: %s", strerror(errno));
	return CLI_ENV;
}

/* ---- feeding ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *user, *ip;
} people[] = {
	{"ann", "192.0.2.11"}, {"bob", "192.0.2.12"},	 {"carol", "192.0.2.13"},  {"dave", "192.0.2.14"},
	{"erin", "192.0.2.15"}, {"frank", "2001:db8::16"}, {"grace", "198.51.100.7"}, {"heidi", "198.51.100.8"},
};

static const char *const devices[] = {"pump-1", "pump-2", "pump-3"};

static uint32_t random_below(struct demo *d, uint32_t n)
{
	d->random = d->random * 1664525u + 1013904223u;
	return (d->random >> 16) % n;
}

static bool redis_failed(struct demo *d, const redisReply *reply)
{
	if (reply && reply->type != REDIS_REPLY_ERROR)
		return false;
	if (!stop_signal)
		cli_say("the private redis-server failed: %s", reply ? reply->str : d->redis->errstr);
	return true;
}

static bool add_login(struct demo *d, const char *user, const char *ip, bool ok)
{
	redisReply *reply = redisCommand(d->redis, "XADD auth:logins * user %s ip %s ok %s", user, ip, ok ? "true" : "false");
	const bool failed = redis_failed(d, reply);

	freeReplyObject(reply);
	d->logins++;
	return !failed;
}

static bool add_beat(struct demo *d, const char *device)
{
	redisReply *reply = redisCommand(d->redis, "XADD iot:beats * device %s battery %d", device, 70 + d->beats % 7);
	const bool failed = redis_failed(d, reply);

	freeReplyObject(reply);
	d->beats++;
	return !failed;
}

static void tell(const struct demo *d, const char *text)
{
	printf("%5.1f s  %s\n", (double)(now_ms() - d->start_ms) / 1000, text);
	fflush(stdout);
}

/* Ordinary people: each from an address of their own, now and then with a slip of the finger. */
static bool feed_people(struct demo *d)
{
	const uint32_t who = random_below(d, CLI_COUNT(people));

	if (random_below(d, 10) == 0 && !add_login(d, people[who].user, people[who].ip, false))
		return false;
	d->next_login_ms += LOGIN_EVERY_MS / 2 + random_below(d, LOGIN_EVERY_MS);
	return add_login(d, people[who].user, people[who].ip, true);
}

static bool feed_attack(struct demo *d)
{
	if (!d->told_attack)
		tell(d, "         (somebody at 203.0.113.9 begins to guess carol's password)");
	d->told_attack = true;
	d->nguess++;
	return add_login(d, "carol", "203.0.113.9", d->nguess == NGUESS);
}

static bool feed_devices(struct demo *d, int64_t at_ms)
{
	d->next_beat_ms += BEAT_EVERY_MS;
	for (int i = 0; i < CLI_COUNT(devices); i++) {
		if (i == 1 && at_ms > SILENT_AT_MS) {
			if (!d->told_silent)
				tell(d, "         (pump-2 has lost its power)");
			d->told_silent = true;
			continue;
		}
		if (!add_beat(d, devices[i]))
			return false;
	}
	return true;
}

/* Everything that is due at `at_ms` since the start.  False: the server failed. */
static bool feed(struct demo *d, int64_t at_ms)
{
	while (d->next_login_ms <= at_ms)
		if (!feed_people(d))
			return false;
	while (d->nguess < NGUESS && ATTACK_AT_MS + GUESS_EVERY_MS * (int64_t)d->nguess <= at_ms)
		if (!feed_attack(d))
			return false;
	while (d->next_beat_ms <= at_ms)
		if (!feed_devices(d, d->next_beat_ms))
			return false;
	return true;
}

/* ---- showing ------------------------------------------------------------------------------------------------------ */

static const char *field(const redisReply *fields, const char *name)
{
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (fields->element[i]->str && strcmp(fields->element[i]->str, name) == 0)
			return fields->element[i + 1]->str;
	return "";
}

/* One entry of the alerts as a line: what it is, its own fields, and how many entries made it. */
static void show(struct demo *d, const redisReply *fields)
{
	struct ens_buf line = ENS_BUF_EMPTY;
	const char *type = field(fields, "_event");
	const char *events = field(fields, "_events");
	int nevent = *events == '[';

	for (const char *s = events; *s; s++)
		nevent += *s == ',';
	ens_buf_addf(&line, "! %-11s", type);
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		const redisReply *name = fields->element[i], *value = fields->element[i + 1];

		if (!name->str || !value->str || name->str[0] == '_')
			continue;
		ens_buf_addf(&line, " %s=", name->str);
		ens_buf_add_visible(&line, value->str, value->len);
	}
	ens_buf_addf(&line, "  [%d %s]", nevent, nevent == 1 ? "entry" : "entries");
	tell(d, ens_buf_cstr(&line));
	ens_buf_free(&line);

	if (d->detections++ == 0)
		d->first_detection_ms = (int)(now_ms() - d->start_ms);
	d->seen_attack |= strcmp(type, "BruteForce") == 0;
	d->seen_silence |= strcmp(type, "Silent") == 0;
}

/* Waits up to block_ms for detections and shows them.  False: the server failed. */
static bool show_new(struct demo *d, int block_ms)
{
	redisReply *reply = redisCommand(d->redis, "XREAD BLOCK %d STREAMS alerts %s", block_ms, d->last_id);

	if (redis_failed(d, reply)) {
		freeReplyObject(reply);
		return false;
	}
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 && reply->element[0]->elements == 2) {
		const redisReply *entries = reply->element[0]->element[1];

		for (size_t i = 0; i < entries->elements; i++) {
			const redisReply *entry = entries->element[i];

			snprintf(d->last_id, sizeof d->last_id, "%s", entry->element[0]->str);
			show(d, entry->element[1]);
		}
	}
	freeReplyObject(reply);
	return true;
}

static bool worker_lives(struct demo *d)
{
	if (waitpid(d->worker, NULL, WNOHANG) == 0)
		return true;
	d->worker = 0;
	if (!stop_signal) {
		cli_say("`ensue run` ended by itself");
		show_log("It", d->worker_log);
	}
	return false;
}

static enum cli_exit play(struct demo *d)
{
	d->start_ms = now_ms();
	for (int64_t at_ms = 0; at_ms < END_MS && !stop_signal; at_ms = now_ms() - d->start_ms)
		if (!worker_lives(d) || !feed(d, at_ms) || !show_new(d, READ_BLOCK_MS))
			return stop_signal ? CLI_DONE : CLI_ENV;
	return CLI_DONE;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static void introduce(const struct demo *d)
{
	printf("This is Ensue on a private redis-server (%s), with these rules:\n\n", d->socket);
	for (const char *s = rules_text; *s;) {
		const size_t len = strcspn(s, "\n");

		printf("    %.*s\n", (int)len, s);
		s += len + (s[len] == '\n');
	}
	printf("\nFed live for %d seconds: logins of %d people (auth:logins), heartbeats of %d pumps (iot:beats).\n"
	       "Lines with ! are what `ensue run demo.ens --redis unix://... --job demo` writes to the stream \"alerts\":\n\n",
	       END_MS / 1000, CLI_COUNT(people), CLI_COUNT(devices));
	fflush(stdout);
}

static enum cli_exit sum_up(const struct demo *d)
{
	if (stop_signal) {
		printf("\nStopped. The server and its folder are removed.\n");
		return CLI_DONE;
	}
	printf("\n%d logins and %d heartbeats went in; %d detections came out, the first after %.1f s.\n"
	       "The server and its folder are removed. Next: docs/getting-started.md.\n",
	       d->logins, d->beats, d->detections, d->first_detection_ms / 1000.0);
	if (d->seen_attack && d->seen_silence)
		return CLI_DONE;
	cli_say("internal error: the attack or the silent pump was not found");
	return CLI_INTERNAL;
}

static enum cli_exit demonstrate(struct demo *d)
{
	enum cli_exit code = make_folder(d);

	if (code == CLI_DONE)
		code = start_server(d);
	if (code == CLI_DONE && !stop_signal)
		code = start_worker(d);
	if (code == CLI_DONE && !stop_signal) {
		introduce(d);
		code = play(d);
		if (code == CLI_DONE && !stop_signal && !(d->seen_attack && d->seen_silence))
			show_log("ensue run", d->worker_log);
	}
	return code;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	struct demo d = {.last_id = "0", .random = 2026};
	const struct sigaction action = {.sa_handler = on_signal};
	struct cli_args a;

	if (!cli_args_begin(&a, verb, argc, argv))
		return CLI_INTERNAL;
	const enum cli_next next = cli_args_next(&a);

	cli_args_end(&a);
	if (next != CLI_OPERANDS)
		return next == CLI_HELP ? CLI_DONE : CLI_USAGE;
	if (a.first < argc)
		return cli_usage_error(verb, "it takes no files, but there is `%s`", argv[a.first]);
	if (!in_path("redis-server")) {
		cli_say("redis-server is not installed, and the demo needs one: apt-get install redis-server");
		return CLI_ENV;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	enum cli_exit code = demonstrate(&d);

	clean_up(&d);
	return code == CLI_DONE ? sum_up(&d) : code;
}

const struct cli_verb verb_demo = {
	.name = "demo",
	.summary = "see it work: a private Redis server, a live stream, detections",
	.usage = "",
	.about = "Starts a redis-server of its own on a Unix socket in a temporary folder, feeds it a made-up\n"
		 "stream of logins and heartbeats, runs sample rules on it and prints what they find as it is\n"
		 "found. Ends after ten seconds, or with Ctrl-C, and leaves nothing behind.\n",
	.run = run,
};
