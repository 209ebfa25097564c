// What a broker can cost at the most: a packet has a length, and nothing is kept for a delivery that was never asked for.

import type { MqttClient } from 'mqtt';
import { PacketMeter } from './packet-meter.ts';

/** A payload of ours has 16 KiB at most and a topic 64 KiB (MQTT 5, 1.5.4); the rest is for properties. */
export const PACKET_BYTES_MAX = 128 * 1024;

/** Subscriptions ask for QoS 1 at most (MQTT 5, 3.8.3.1), and a message of QoS 2 is kept until it is released. */
export function refuseQos2(client: MqttClient): void {
  client.on('packetreceive', (packet) => {
    if (packet.cmd !== 'publish' || packet.qos !== 2) return;
    client.emit('error', new Error('broker sends a message of QoS 2, which was never asked for'));
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
