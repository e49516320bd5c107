/*
 * A small HTTP server for whoever watches a run: pages without arguments, one thread of its own.
 *
 * It may be built without (no libmicrohttpd): then an address is refused with the reason.
 */
#ifndef ENS_RUNTIME_IO_HTTP_H
#define ENS_RUNTIME_IO_HTTP_H

#include <stdint.h>

#include "base/buf.h"

struct ens_http_address {
	char host[64]; /* numeric; empty: there is no address */
	uint16_t port; /* 0: any that is free */
};

/* ADDRESS:PORT, where ADDRESS is numeric, [IPv6] or localhost.  ENS_EINPUT: it is not, or this is a build without a server. */
enum ens_status ens_http_address_parse(const char *s, struct ens_http_address *out, struct ens_error *err) ENS_MUST_CHECK;

/* Writes the page into `body` and returns the HTTP status; called in the server's thread. */
struct ens_http_pages {
	unsigned (*page)(void *user, const char *path, struct ens_buf *body);
	void *user;
};

struct ens_http;

/* Listens and answers from now on.  ENS_EENV: it can't listen there; ENS_ENOMEM. */
enum ens_status ens_http_open(const struct ens_http_address *at, const struct ens_http_pages *pages, struct ens_http **out,
			      struct ens_error *err) ENS_MUST_CHECK;
void ens_http_close(struct ens_http *h); /* NULL is fine; the thread has ended when it returns */
uint16_t ens_http_port(const struct ens_http *h);

#endif
