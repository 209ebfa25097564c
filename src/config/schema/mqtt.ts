// `[mqtt]`: the broker over which placements are learned and announced.

import * as z from 'zod';
import { key, optional, required } from '../key.ts';
import { duration, parsed, secret } from '../values.ts';
import { filePath, type SchemaContext } from './context.ts';

const EXPECTED =
  'expected a broker such as "mqtt://broker.local:1883", or a list of them; user and password go into username and password';

const brokerUrl = parsed(EXPECTED, (text) => {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, username, password } = new URL(text);
  const known = ['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(protocol);
  return known && hostname !== '' && username === '' && password === '' ? text : null;
});

const brokerUrls = z.union([brokerUrl.transform((url): readonly string[] => [url]), z.array(brokerUrl).min(1)], {
  error: EXPECTED,
});

const topicPrefix = parsed('expected topic levels such as "qedge/v1"', (text) =>
  /^[^/+#\s$][^+#\s]*[^/+#\s]$|^[^/+#\s$]$/.test(text) ? text : null,
);

/** `nodeId` makes the default client id: two sessions of one id would push each other off the broker. */
export const mqttKeys = (context: SchemaContext, nodeId: string) => ({
  url: required('urls', brokerUrls, {
    doc: 'mqtt, mqtts, ws or wss; a list is tried in turn.',
    example: 'mqtt://broker.local:1883',
  }),
  client_id: {
    ...key('clientId', z.string().min(1).max(128), {
      doc: 'Name of the session. Default: "qedge-" and the id of the node.',
      default: `qedge-${nodeId}`,
    }),
    shown: { example: 'qedge-pi-7' },
  },
  username: optional('username', z.string(), { doc: 'User of the broker.', example: 'pi-7' }),
  password: optional('password', secret, {
    doc: 'Its password.',
    example: '${file:/run/credentials/qedge.service/mqtt-password}',
  }),
  ca: optional('caFile', filePath(context), {
    doc: "CA of the broker; the system's when absent.",
    example: 'broker-ca.crt',
  }),
  cert: optional('certFile', filePath(context), {
    doc: 'Certificate that this node shows the broker.',
    example: 'pi-7.crt',
  }),
  key: optional('keyFile', filePath(context), { doc: 'Its private key.', example: 'pi-7.key' }),
  keep_alive: key('keepAliveMs', duration(), {
    doc: 'A connection on which nothing passes is checked this often.',
    default: '15s',
  }),
  topic_prefix: key('topicPrefix', topicPrefix, {
    doc: 'First levels of the topics of qedge.',
    default: 'qedge/v1',
  }),
  native: key('native', z.boolean(), { doc: 'Read and write the topics of qedge.', default: true }),
  informer: key('informer', z.boolean(), {
    doc: "Read the topics of QEdgeProxy's Kubernetes informer as well (changes/node/+/service/+/instance/+).",
    default: false,
  }),
});
