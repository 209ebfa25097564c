import { describe, expect, it } from 'vitest';
import { isGrpc, readGrpcStatus, readGrpcTimeout } from '../../../src/core/verdict/grpc.ts';

describe('gRPC', () => {
  it.each([
    ['application/grpc', true],
    ['application/grpc+proto', true],
    ['application/grpc;charset=utf-8', true],
    ['application/grpc-web+proto', false],
    ['application/json', false],
  ])('has the content type %s: %s', (contentType, expected) => {
    expect(isGrpc(contentType)).toBe(expected);
  });

  it.each([
    ['0', 0],
    ['14', 14],
    ['16', 16],
    ['17', 2],
    ['', 2],
    ['-1', 2],
    ['OK', 2],
  ])('takes the status %j for %i', (value, status) => {
    expect(readGrpcStatus(value)).toBe(status);
  });

  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['100m', 100],
    ['500u', 0.5],
    ['2000000n', 2],
    ['123456789m', null],
    ['10', null],
    ['ms', null],
  ])('takes the timeout %j for %s ms', (value, ms) => {
    expect(readGrpcTimeout(value)).toBe(ms);
  });
});
