// What a broker can cost at the most: a packet has a length, and nothing is kept for a delivery that was never asked for.

import type { MqttClient } from 'mqtt';
import { PacketMeter } from './packet-meter.ts';

/** A payload of ours has 16 KiB at most and a topic 64 KiB (MQTT 5, 1.5.4); the rest is for properties. */
export const PACKET_BYTES_MAX = 128 * 1024;

/** Ends the connection where the broker sends what was never asked for. */
export function refuseUnasked(client: MqttClient): void {
  refuseQos2(client);
  refuseAnswers(client);
}

/** Ends a connection, and drops what was read of it: mqtt.js would still handle all of that, in one go. */
export function leave(client: MqttClient): void {
  client.stream?.destroy();
  Object.assign(client, { _currentPump: null });
}

/** Subscriptions ask for QoS 1 at most (MQTT 5, 3.8.3.1), and a message of QoS 2 is kept until it is released. */
function refuseQos2(client: MqttClient): void {
  client.on('packetreceive', (packet) => {
    if (packet.cmd !== 'publish' || packet.qos !== 2) return;
    client.emit('error', new Error('broker sends a message of QoS 2, which was never asked for'));
  });
}

/** Answers beyond what was asked, since the last question: a session that goes on may bring some to what was said before, twice. */
const UNASKED_MAX = 64;
const ANSWERS: ReadonlySet<string> = new Set([
  'pingresp',
  'puback',
  'pubcomp',
  'pubrec',
  'pubrel',
  'suback',
  'unsuback',
]);
const QUESTIONS: ReadonlySet<string> = new Set(['pingreq', 'subscribe', 'unsubscribe']);

/** Each read of a socket holds thousands of answers, which the event loop takes in one go; messages wait for their turn (inbox.ts). */
function refuseAnswers(client: MqttClient): void {
  let unasked = 0;
  client.on('packetsend', (packet) => {
    if (QUESTIONS.has(packet.cmd) || (packet.cmd === 'publish' && packet.qos > 0)) unasked = Math.min(unasked, 0) - 1;
  });
  client.on('packetreceive', ({ cmd }) => {
    if (!ANSWERS.has(cmd) || ++unasked !== UNASKED_MAX) return;
    client.emit('error', new Error(`broker answers what was never asked (${cmd.toUpperCase()})`));
  });
}

/** MQTT 5 brokers are asked not to send longer packets; to the others, and to those that do, the connection is ended. */
export function boundPackets(client: MqttClient): void {
  const meter = new PacketMeter(PACKET_BYTES_MAX);
  client.stream.on('data', (bytes: Buffer) => {
    const length = meter.feed(bytes);
    if (length !== null) {
      client.emit('error', new Error(`broker sends a packet of ${length} bytes, more than ${PACKET_BYTES_MAX}`));
    }
  });
}
