import { expect, it } from 'vitest';
import { Http2Response } from '../../../../src/proxy/downstream/http2/response.ts';
import type { DataSender } from '../../../../src/proxy/http2/data-sender.ts';

it('an answer whose stream was reset takes nothing that the first block of its connection must say', () => {
  const blocks: string[] = [];
  const link = {
    id: 1,
    sender: {} as unknown as DataSender,
    moved: () => {},
    blockOf: (fields: string) => {
      blocks.push(fields);
      return fields;
    },
    answered: () => {},
  };
  const response = new Http2Response(link, 65_535, false);
  response.close();
  response.writeContinue();
  response.writeHead(200, []);
  response.flushHeaders();
  response.end('late');
  expect(blocks).toEqual([]);
});
