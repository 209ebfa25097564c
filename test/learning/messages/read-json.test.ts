import { describe, expect, it } from 'vitest';
import { readClaim, readOffer, readProgress, readState } from '../../../src/learning/messages/payloads.ts';

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('a payload that fits no schema', () => {
  it('is refused with a reason, however deep it is nested', () => {
    expect(readOffer('n', Buffer.from(`{"fl":1,"address":${deep(30_000)}}`))).toMatchObject({
      wrong: expect.stringMatching(/^address: .*, got an array$/),
    });
    expect(readState(Buffer.from(`{"phase":${deep(59_000)}}`))).toMatchObject({
      wrong: expect.stringMatching(/^phase: /),
    });
  });

  it('is refused where an object with a length that is no number stands in place of a text', () => {
    const wrong = { wrong: expect.stringMatching(/^expected another shape/) };
    expect(readClaim(Buffer.from('{"id":{"length":{}},"term":3}'))).toMatchObject({ wrong: expect.any(String) });
    expect(readClaim(Buffer.from('{"id":{"length":{"valueOf":1,"toString":1}},"term":3}'))).toMatchObject(wrong);
  });

  it('is refused with a short reason without control characters, however long its keys are', () => {
    const fl = { role: 'client', port: 1, costs: { ['\x1b[2J'.repeat(5_000)]: 1 } };
    const read = readOffer('n', Buffer.from(JSON.stringify({ address: '10.0.0.1', fl })));
    expect(read).toMatchObject({ wrong: expect.stringMatching(/^fl\.costs\.\?\[2J[\x20-\x7e…]{1,150}$/) });
  });

  it('is refused in a few words, what was found last', () => {
    const wrongIn = (text: string): unknown => readProgress(Buffer.from(text));
    expect(wrongIn('{"generation":1}')).toEqual({ wrong: 'round: expected number, got nothing' });
    expect(wrongIn('null')).toEqual({ wrong: 'expected object, got null' });
    expect(wrongIn('{"generation":1,"round":1,"accuracy":7}')).toEqual({
      wrong: 'accuracy: expected number to be <=1, got 7',
    });
    expect(readOffer('n', Buffer.from('{"address":"10.0.0.1","fl":{"role":"boss","port":1}}'))).toEqual({
      wrong: 'fl.role: expected one of "global-aggregator"|"aggregator"|"client", got "boss"',
    });
  });
});
