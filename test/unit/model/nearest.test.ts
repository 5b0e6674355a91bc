import { describe, expect, it } from 'vitest';
import { labels } from '../../../src/model/labels/labels.ts';
import { nearest } from '../../../src/model/labels/nearest.ts';

describe('nearest', () => {
  it.each([
    ['prot', 'port'],
    ['host', 'hosts'],
    ['hsots', 'hosts'],
    ['contextroot', 'context_root'],
    ['sticky_session_cokie', 'sticky_session_cookie'],
    ['netwrok', 'network'],
  ])('returns %s for %s', (written, meant) => {
    expect(nearest(written, Object.keys(labels))).toBe(meant);
  });

  it.each(['x', 'timeout', 'health_check'])('returns nothing for %s', (written) => {
    expect(nearest(written, ['hosts', 'port', 'network'])).toBeUndefined();
  });
});
