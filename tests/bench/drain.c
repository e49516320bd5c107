/*
 * The raw drain: reads a stream from its start to its end through hiredis and drops it.  What no reader of entries can beat.
 *
 *   drain SOCKET|HOST:PORT STREAM [COUNT]
 *
 * Own object functions (no reply tree), 256 KiB reads, the next XREAD sent as soon as an answer is parsed: as `ensue run` does
 * it, without decoding, matching and committing.  Prints entries, seconds and entries/s.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#define CHUNK_BYTES (256 * 1024)

#define ID_DEPTH 4 /* streams > (name, entries) > entries > (ID, fields) */

struct drain {
	redisContext *connection;
	redisReader *reader;
	uint64_t entries, bytes;
	uint64_t sum; /* touched, so that the values are really there */
	char last[64];
	bool ended, failed;
	char chunk[CHUNK_BYTES];
};

static void *on_string(const redisReadTask *task, char *s, size_t len)
{
	struct drain *d = task->privdata;
	int depth = (int)(task - d->reader->rstack);

	if (task->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "drain: %.*s\n", (int)len, s);
		d->failed = true;
	} else if (depth == ID_DEPTH && task->idx == 0 && len < sizeof(d->last)) {
		memcpy(d->last, s, len);
		d->last[len] = '\0';
		d->entries++;
	} else if (len > 0) {
		d->sum += (unsigned char)s[len - 1];
	}
	return d;
}

static void *on_array(const redisReadTask *task, int elements)
{
	(void)elements;
	return task->privdata;
}

static void *on_integer(const redisReadTask *task, long long n)
{
	(void)n;
	return task->privdata;
}

static void *on_nil(const redisReadTask *task)
{
	struct drain *d = task->privdata;

	d->ended = true;
	return d;
}

static void on_free(void *object)
{
	(void)object;
}

static redisReplyObjectFunctions functions = {on_string, on_array, on_integer, on_nil, on_free};

static redisContext *connect_to(const char *where)
{
	const char *colon = strrchr(where, ':');
	char host[256];

	if (strchr(where, '/') || !colon)
		return redisConnectUnix(where);
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	return redisConnect(host, atoi(colon + 1));
}

static bool ask(struct drain *d, const char *stream, const char *count)
{
	char *command;
	int len = redisFormatCommand(&command, "XREAD COUNT %s STREAMS %s %s", count, stream, d->last);
	ssize_t sent;

	if (len < 0)
		return false;
	sent = send(d->connection->fd, command, (size_t)len, MSG_NOSIGNAL);
	redisFreeCommand(command);
	return sent == len;
}

/* One whole answer. */
static bool take(struct drain *d)
{
	void *reply = NULL;

	while (!reply) {
		ssize_t n = recv(d->connection->fd, d->chunk, sizeof(d->chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || redisReaderFeed(d->reader, d->chunk, (size_t)n) != REDIS_OK ||
		    redisReaderGetReply(d->reader, &reply) != REDIS_OK)
			return false;
		d->bytes += (uint64_t)n;
	}
	return !d->failed;
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct drain d;
	const char *count = argc > 3 ? argv[3] : "1000";
	double begun_s, took_s;
	bool good = true;

	if (argc < 3) {
		fprintf(stderr, "usage: drain SOCKET|HOST:PORT STREAM [COUNT]\n");
		return 2;
	}
	d.connection = connect_to(argv[1]);
	if (!d.connection || d.connection->err) {
		fprintf(stderr, "drain: %s: %s\n", argv[1], d.connection ? d.connection->errstr : "out of memory");
		return 3;
	}
	d.reader = redisReaderCreateWithFunctions(&functions);
	if (!d.reader)
		return 4;
	d.reader->privdata = &d;
	d.reader->maxbuf = 0;
	strcpy(d.last, "0-0");
	begun_s = now_s();
	while (good && !d.ended)
		good = ask(&d, argv[2], count) && take(&d);
	took_s = now_s() - begun_s;
	redisReaderFree(d.reader);
	redisFree(d.connection);
	if (!good) {
		fprintf(stderr, "drain: the connection failed\n");
		return 3;
	}
	printf("drain: %llu entries, %llu bytes in %.3f s: %.0f entries/s\n", (unsigned long long)d.entries,
	       (unsigned long long)d.bytes, took_s, (double)d.entries / took_s);
	return d.sum == UINT64_MAX;
}
