import { describe, expect, it } from 'vitest';
import { shortNames } from '../../../src/admin/dashboard/names.ts';

const at = (nodeId: string, id: string) => ({ key: `${nodeId}/${id}`, instance: { nodeId } });

describe('an instance', () => {
  it('is called by its node where it is alone there, by its whole name where it is not', () => {
    const nameOf = shortNames([at('pi-7', 'a'), at('pi-8', 'a'), at('pi-8', 'b')]);
    expect(['pi-7/a', 'pi-8/a', 'pi-8/b', 'gone/a'].map(nameOf)).toEqual(['pi-7', 'pi-8/a', 'pi-8/b', 'gone/a']);
  });
});
