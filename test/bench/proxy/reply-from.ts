// @fastify/reply-from as its documentation shows it: `node reply-from.ts PORT UPSTREAM`.

import replyFrom from '@fastify/reply-from';
import fastify from 'fastify';

const [port = '0', base = ''] = process.argv.slice(2);
const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
await app.register(replyFrom, { base, undici: { connections: 256, pipelining: 1 } });
app.all('/*', (request, reply) => reply.from(request.url));
await app.listen({ host: '127.0.0.1', port: Number(port) });
