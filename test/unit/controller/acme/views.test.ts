import { describe, expect, it } from 'vitest';
import { certificateSchema, viewCertificates } from '../../../../src/controller/admin/certificates.ts';
import { createMetrics } from '../../../../src/controller/admin/metrics.ts';
import { AcmeWorld } from '../../../support/acme-world.ts';
import { aService } from '../../../support/builders.ts';

const board = { current: undefined, passes: {}, subscribe: () => () => undefined } as never;

describe('a certificate', () => {
  it('is shown before and after it is issued, and counted', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', { lb: { acme: 'true' } })];
    const task = world.controller();
    world.isUp = false;
    await world.settle(task);
    expect(viewCertificates(task.certificates, undefined, world.clock.now())).toMatchObject([
      {
        ...{ name: 'a.example.org', source: 'acme', secret: null, issuer: 'test', services: ['a'] },
        ...{ status: 'pending', notAfter: null, nextAt: null },
      },
    ]);
    world.isUp = true;
    await world.settle(task);
    const [shown] = viewCertificates(task.certificates, undefined, world.clock.now());
    expect(certificateSchema.parse(shown)).toMatchObject({
      ...{ status: 'valid', reason: null, isOrdering: false, names: ['a.example.org'] },
      secret: expect.stringMatching(/^signalbox\.acme\.a\.example\.org\./),
    });
    expect(Date.parse(shown!.nextAt!)).toBeGreaterThan(world.clock.now());

    const metrics = await createMetrics(board, new Map(), task).metrics();
    const seconds = Date.parse(shown!.notAfter!) / 1000;
    expect(metrics).toContain(`signalbox_certificate_not_after_seconds{host="a.example.org",issuer="test"} ${seconds}`);
    expect(metrics).toContain('signalbox_acme_orders_total{issuer="test",result="issued"} 1');
  });
});
