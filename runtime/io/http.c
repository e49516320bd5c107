/*
 * The HTTP server, on libmicrohttpd.
 *
 * Its one thread waits for connections and answers GET and HEAD; nothing that a request says but its path is looked at.
 * Guarantee: whatever comes in, there are at most GUESTS_MAX connections, GUESTS_OF_ONE of an address, each with
 * GUEST_BYTES of memory beside its answer, none silent for longer than SILENCE_S or there for longer than GUEST_US, and one
 * request each.  Signals go to other threads.
 * Tested by tests/cli/http.sh.
 */
#define _GNU_SOURCE
#include "runtime/io/http.h"

#ifdef ENS_HTTP
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/io/clock.h"

#define GUESTS_MAX 16u
#define GUESTS_OF_ONE 8u
#define GUEST_BYTES ((size_t)16 << 10)
#define GUEST_US 20000000
#define SILENCE_S 3u
#define LOOK_MS 1000 /* at those that have been there for long */

/* ---- the address ------------------------------------------------------------------------------------------------- */

static enum ens_status not_understood(struct ens_error *err)
{
	return ens_fail(err, ENS_EINPUT,
			"it is a numeric address and a port, for example 127.0.0.1:9464, [::1]:9464 or localhost:9464");
}

static bool is_numeric(const char *host)
{
	unsigned char room[16];

	return inet_pton(strchr(host, ':') ? AF_INET6 : AF_INET, host, room) == 1;
}

enum ens_status ens_http_address_parse(const char *s, struct ens_http_address *out, struct ens_error *err)
{
	const char *colon = strrchr(s, ':');
	struct ens_http_address a = {.port = 0};
	size_t len = colon ? (size_t)(colon - s) : 0;
	const bool brackets = len > 2 && s[0] == '[' && s[len - 1] == ']';
	int64_t port;

	if (brackets) {
		s++;
		len -= 2;
	}
	if (!len || len >= sizeof(a.host) || !ens_parse_int(colon + 1, strlen(colon + 1), &port) || port < 0 || port > 65535)
		return not_understood(err);
	memcpy(a.host, s, len);
	if (strcmp(a.host, "localhost") == 0)
		strcpy(a.host, "127.0.0.1");
	if (!is_numeric(a.host) || brackets != (strchr(a.host, ':') != NULL))
		return not_understood(err);
	a.port = (uint16_t)port;
	*out = a;
	return ENS_OK;
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

struct guest {
	int fd; /* -1: nobody */
	int64_t since_us;
};

struct ens_http {
	struct MHD_Daemon *daemon;
	struct ens_http_pages pages;
	struct guest guest[GUESTS_MAX];
	unsigned nguest;
	int epoll_fd, stop_fd;
	pthread_t thread;
	bool running;
};

static void on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct ens_http *h = cls;
	const union MHD_ConnectionInfo *info;
	struct guest *g = *context;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (g) {
			g->fd = -1;
			h->nguest--;
		}
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (unsigned i = 0; info && i < GUESTS_MAX; i++)
		if (h->guest[i].fd < 0) {
			h->guest[i] = (struct guest){info->connect_fd, ens_clock_us()};
			h->nguest++;
			*context = &h->guest[i];
			return;
		}
}

/* One that sends a byte now and then is never silent, but goes all the same. */
static void show_out(struct ens_http *h)
{
	const int64_t now_us = ens_clock_us();

	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (h->guest[i].fd >= 0 && now_us - h->guest[i].since_us > GUEST_US)
			(void)shutdown(h->guest[i].fd, SHUT_RDWR);
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, struct ens_buf *body)
{
	const bool good = !body->failed && body->len;
	/* The server frees the bytes. */
	struct MHD_Response *r = MHD_create_response_from_buffer(good ? body->len : 0, good ? body->data : NULL,
								 good ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_NO;

	if (!r || !good)
		ens_buf_free(body);
	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8") == MHD_YES &&
	    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	    MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
	    MHD_add_response_header(r, "Connection", "close") == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED || MHD_add_response_header(r, "Allow", "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(c, good ? status : MHD_HTTP_INTERNAL_SERVER_ERROR, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_len, void **context)
{
	const struct ens_http *h = cls;
	struct ens_buf body = ENS_BUF_EMPTY;
	unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;

	(void)version;
	(void)upload;
	(void)upload_len; /* answered before it is read, and then closed */
	(void)context;
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		status = h->pages.page(h->pages.user, url, &body);
	else
		ens_buf_adds(&body, "only GET and HEAD are answered\n");
	return answer(c, status, &body);
}

static int wait_ms(const struct ens_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms = LOOK_MS;

	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		return ms < LOOK_MS ? (int)ms : LOOK_MS;
	return h->nguest ? LOOK_MS : -1;
}

/* With all places taken the library does not listen; when one is left it listens again with the next run. */
static bool run(struct ens_http *h)
{
	unsigned before;

	do {
		before = h->nguest;
		if (MHD_run(h->daemon) != MHD_YES)
			return false;
	} while (h->nguest < before);
	return true;
}

static void *serve(void *user)
{
	struct ens_http *h = user;
	struct pollfd p[2] = {{.fd = h->epoll_fd, .events = POLLIN}, {.fd = h->stop_fd, .events = POLLIN}};

	while (!p[1].revents) {
		(void)poll(p, 2, wait_ms(h));
		show_out(h);
		if (!run(h))
			break;
	}
	return NULL;
}

static bool to_socket_address(const struct ens_http_address *at, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (!strchr(at->host, ':')) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(at->port);
		return inet_pton(AF_INET, at->host, &v4->sin_addr) == 1;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(at->port);
	return inet_pton(AF_INET6, at->host, &v6->sin6_addr) == 1;
}

static enum ens_status listen_at(struct ens_http *h, const struct ens_http_address *at, struct ens_error *err)
{
	const unsigned flags = MHD_USE_EPOLL | (strchr(at->host, ':') ? MHD_USE_IPv6 : 0);
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage address;

	if (!to_socket_address(at, &address))
		return not_understood(err);
	errno = 0;
	h->daemon = MHD_start_daemon(flags, at->port, NULL, NULL, on_request, h, /* then pairs of option and value */
				     MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, GUESTS_MAX,
				     MHD_OPTION_PER_IP_CONNECTION_LIMIT, GUESTS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, GUEST_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				     MHD_OPTION_END);
	if (!h->daemon)
		return ens_fail(err, ENS_EENV, "can't listen at %s, port %u: %s", at->host, (unsigned)at->port,
				errno ? strerror(errno) : "the HTTP library refused");
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return ens_fail(err, ENS_EENV, "can't listen at %s: the HTTP library knows no epoll", at->host);
	h->epoll_fd = info->epoll_fd;
	return ENS_OK;
}

/* No signal is for the new thread. */
static enum ens_status start_thread(struct ens_http *h, struct ens_error *err)
{
	sigset_t all, before;
	int error;

	h->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (h->stop_fd < 0)
		return ens_fail(err, ENS_EENV, "can't serve HTTP: %s", strerror(errno));
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&h->thread, NULL, serve, h);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	h->running = error == 0;
	return error ? ens_fail(err, ENS_EENV, "can't serve HTTP: %s", strerror(error)) : ENS_OK;
}

enum ens_status ens_http_open(const struct ens_http_address *at, const struct ens_http_pages *pages, struct ens_http **out,
			      struct ens_error *err)
{
	struct ens_http *h = calloc(1, sizeof(*h));
	enum ens_status status;

	if (!h)
		return ens_fail(err, ENS_ENOMEM, "no memory to serve HTTP");
	h->pages = *pages;
	h->stop_fd = -1;
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		h->guest[i].fd = -1;
	status = listen_at(h, at, err);
	if (status == ENS_OK)
		status = start_thread(h, err);
	if (status != ENS_OK) {
		ens_http_close(h);
		return status;
	}
	*out = h;
	return ENS_OK;
}

void ens_http_close(struct ens_http *h)
{
	const uint64_t one = 1;

	if (!h)
		return;
	if (h->running && write(h->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		(void)pthread_join(h->thread, NULL);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->stop_fd >= 0)
		(void)close(h->stop_fd);
	free(h);
}

uint16_t ens_http_port(const struct ens_http *h)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

#else /* a build without libmicrohttpd */

static enum ens_status not_built(struct ens_error *err)
{
	return ens_fail(err, ENS_EINPUT, "this ensue was built without it (it needs libmicrohttpd)");
}

enum ens_status ens_http_address_parse(const char *s, struct ens_http_address *out, struct ens_error *err)
{
	(void)s;
	(void)out;
	return not_built(err);
}

enum ens_status ens_http_open(const struct ens_http_address *at, const struct ens_http_pages *pages, struct ens_http **out,
			      struct ens_error *err)
{
	(void)at;
	(void)pages;
	(void)out;
	return not_built(err);
}

void ens_http_close(struct ens_http *h)
{
	(void)h;
}

uint16_t ens_http_port(const struct ens_http *h)
{
	(void)h;
	return 0;
}

#endif
