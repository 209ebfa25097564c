// How a connection to a broker ended, as far as the broker said.

/** Another client of the same id took over, the broker closed it without a word, or otherwise. */
export type ConnectionEnd = 'taken-over' | 'silent' | 'other';

/** MQTT 5, 3.14.2.1: what a broker that hangs up most often says. */
const GOODBYES: Readonly<Record<number, string>> = {
  135: 'not authorized',
  137: 'the server is busy',
  139: 'the server is shutting down',
  141: 'keep alive timeout',
  142: 'another client took the session over',
  149: 'a packet is too large',
  151: 'quota exceeded',
  152: 'an administrator ended it',
};
const TAKEN_OVER = 142;

/** The broker ended the connection and said why. */
export class Goodbye extends Error {
  readonly reasonCode: number;

  constructor(reasonCode: number) {
    super(`the broker said goodbye: ${GOODBYES[reasonCode] ?? `reason ${reasonCode}`}`);
    this.reasonCode = reasonCode;
  }
}

/** What the failure of an established connection says; null: the broker closed it, and gave no reason. */
export function endOf(failure: unknown): ConnectionEnd {
  if (failure === null) return 'silent';
  return failure instanceof Goodbye && failure.reasonCode === TAKEN_OVER ? 'taken-over' : 'other';
}

/** What a parser of MQTT says of the first bytes of most other protocols. */
const OTHER_PROTOCOL = /^Invalid header flag bits/;

/** Why a connection ended, or was not made, for people. */
export function reasonOf(failure: unknown, wasConnected: boolean): string {
  if (!(failure instanceof Error)) return 'connection closed';
  return !wasConnected && OTHER_PROTOCOL.test(failure.message) ? 'what answers does not speak MQTT' : failure.message;
}
