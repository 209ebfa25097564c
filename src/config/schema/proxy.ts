// `[proxy]`: the port that clients use, and what they may cost.

import * as z from 'zod';
import { key, optional, optionalSubtable, required } from '../key.ts';
import { cidr, count, duration, fieldName, listenAddress, size } from '../values.ts';
import { filePath, type SchemaContext } from './context.ts';

/** Null: clients are distinguished by remote address. */
const clientHeader = z
  .union([z.literal(false), fieldName], { error: 'expected a header name or false' })
  .transform((header) => (header === false ? null : header));

/** Keys of `[proxy.tls]`. */
export const tlsKeys = (context: SchemaContext) => ({
  cert: required('certFile', filePath(context), { doc: 'Certificate chain, PEM.', example: 'server.crt' }),
  key: required('keyFile', filePath(context), { doc: 'Its private key, PEM.', example: 'server.key' }),
  client_ca: optional('clientCaFile', filePath(context), {
    doc: 'Clients must present a certificate that this CA signed (mutual TLS).',
    example: 'clients.crt',
  }),
});

/** Keys of `[proxy]`. */
export const proxyKeys = (context: SchemaContext) => ({
  listen: key('listen', listenAddress, {
    doc: 'Where clients send their requests.',
    reload: 'restart',
    default: '127.0.0.1:8080',
  }),
  workers: key('workers', count(1, 64), {
    doc: 'Event loops that share the port; each is a load balancer of its own.',
    reload: 'restart',
    default: 1,
  }),
  service_header: key('serviceHeader', fieldName, {
    doc: 'Request header that names the service, where neither the port nor the first label of Host does.',
    default: 'X-QEdge-Service',
  }),
  client_header: key('clientHeader', clientHeader, {
    doc: 'Request header that distinguishes clients in QoS accounts; false: their address does.',
    default: 'X-Client-Id',
  }),
  trusted_peers: key('trustedPeers', z.array(cidr), {
    doc: 'Networks of proxies in front of this one. Only what they say of their clients (X-Forwarded-*, Forwarded, X-Real-IP and their like) is kept.',
    default: [],
  }),
  response_headers: key('responseHeaders', z.boolean(), {
    doc: 'X-QEdge-Instance and Server-Timing on every answer.',
    default: true,
  }),
  baggage: key('baggage', z.boolean(), {
    doc: 'A deadline of a client goes on in the field baggage as well, as a moment on the clock, for instances that pass on the fields of OpenTelemetry alone; one that comes back so is believed where the clocks of both nodes agree within 5 ms, by their probes.',
    default: false,
  }),
  headers_max: key('headerBytesMax', size(), {
    doc: 'The head of a request may have this size.',
    reload: 'restart',
    default: '16KiB',
  }),
  url_max: key('urlBytesMax', size(), { doc: 'The target of a request may have this size.', default: '8KiB' }),
  body_max: key('bodyBytesMax', size({ zero: true }), {
    doc: 'Bodies are streamed; "0B" sets no limit.',
    default: '0B',
  }),
  connections_max: key('connectionsMax', count(1), {
    doc: 'Connections of clients at a time. Workers share them evenly, while the system spreads clients by chance: with workers, some are refused a little below this.',
    reload: 'restart',
    default: 4096,
  }),
  headers_timeout: key('headersTimeoutMs', duration(), {
    doc: 'A client whose headers take longer is cut off, in HTTP/1 and HTTP/2.',
    default: '10s',
  }),
  body_idle_timeout: key('bodyIdleTimeoutMs', duration(), {
    doc: 'A client that sends no byte of its body for this long is cut off.',
    default: '30s',
  }),
  keep_alive_timeout: key('keepAliveTimeoutMs', duration(), {
    doc: 'A connection without a request is closed after this.',
    default: '65s',
  }),
  drain: key('drainMs', duration({ zero: true }), {
    doc: 'On stop, requests in flight may take this long to finish.',
    default: '10s',
  }),
  tls: optionalSubtable('tls', tlsKeys(context), {
    toggle: 'restart',
    doc: 'TLS towards clients. Other certificates are applied by a reload; TLS or none takes a restart.',
  }),
});
