import { describe, expect, it } from 'vitest';
import { errorReason, triedTask } from '../../../../src/controller/traffic/error-reason.ts';

const error = (status: number, address: string, upstreamStatus: string, connectTime = '', headerTime = '') => ({
  ...{ at: 0, host: 'a.test', route: '', request: 'GET /', id: '1' },
  ...{ status, address, upstreamStatus, connectTime, headerTime },
});

describe('an error whose page comes from another service', () => {
  it.each([
    ['503 : 200', '0.001 : 0.001', '0.002 : 0.001', 'The task answered 503'],
    ['503 : 404', '0.001 : 0.001', '0.002 : 0.001', 'The task answered 503'],
  ])('names the task of the application: %s', (upstreamStatus, connects, headers, reason) => {
    const paged = error(503, '10.0.0.3:80 : 10.0.0.9:80', upstreamStatus, connects, headers);

    expect(errorReason(paged)).toBe(reason);
    expect(triedTask(paged)).toBe('10.0.0.3:80');
  });

  it('names it also if no task accepts the connection', () => {
    const addresses = '10.0.0.3:80, 10.0.0.4:80 : 127.0.0.1:10246 : 10.0.0.9:80';
    const paged = error(502, addresses, '502, 502 : 502 : 200', '-, - : 0.000 : 0.001', '-, - : 0.000 : 0.001');

    expect(errorReason(paged)).toBe('The task refused the connection');
    expect(triedTask(paged)).toBe('10.0.0.4:80');
  });
});

it('an error after a retry names the last task', () => {
  const retried = error(503, '10.0.0.3:80 : 10.0.0.4:80', '502 : 503', '- : 0.001', '- : 0.001');

  expect(errorReason(retried)).toBe('The task answered 503');
  expect(triedTask(retried)).toBe('10.0.0.4:80');
});
