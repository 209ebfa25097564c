import { describe, expect, it } from 'vitest';
import {
  drawTicketSecret,
  readTicketSecret,
  ticketKeys,
  ticketSecretText,
} from '../../../src/proxy/downstream/ticket-keys.ts';

describe('the secret of session tickets', () => {
  it('reaches the next process as one line, with its age', () => {
    const drawn = { ...drawTicketSecret(), ageMs: 1234.5 };
    const read = readTicketSecret(ticketSecretText(drawn));
    expect(read?.ageMs).toBe(1235);
    expect(ticketKeys(read?.secret ?? Buffer.alloc(0), null)).toEqual(ticketKeys(drawn.secret, null));
  });

  it.each(['', 'ab 1', `${'ab'.repeat(32)}`, `${'ab'.repeat(32)} -1`, `${'xy'.repeat(32)} 1`])(
    'is not read from "%s"',
    (text) => {
      expect(readTicketSecret(text)).toBeNull();
    },
  );
});
