import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateView } from '../../../../src/controller/admin/certificates.ts';
import { AdminWorld } from '../../../support/admin-world.ts';

let box: AdminWorld;
const asked: string[] = [];
const at = Date.parse('2026-06-01T00:00:00Z');

beforeAll(async () => {
  box = await AdminWorld.open();
  const ordered = (name: string) => ({ name, source: 'acme', hosts: [], services: [] }) as unknown as CertificateView;
  box.certificates = [
    ordered('*.apps.example.org'),
    ordered('busy.example.org'),
    { ...ordered('own.cert'), source: 'secret' },
  ];
  box.renew = async (name) => {
    asked.push(name);
    return name.startsWith('busy') ? { kind: 'refused', reason: 'an order is under way' } : { kind: 'accepted', at };
  };
});
afterAll(() => box[Symbol.asyncDispose]());

const post = async (name: string) => {
  const path = `/api/certificates/${encodeURIComponent(name)}/renewal`;
  const { status, body } = await box.ask(path, { method: 'POST', headers: await box.bearer('otto') });
  return { status, body: JSON.parse(body) };
};

describe('POST /api/certificates/{name}/renewal', () => {
  it('orders a certificate, and is recorded with the name of the user', async () => {
    expect(await post('*.apps.example.org')).toEqual({
      status: 200,
      body: { name: '*.apps.example.org', at: '2026-06-01T00:00:00.000Z' },
    });
    expect(asked).toEqual(['*.apps.example.org']);
    expect(box.administrator.current.changes[0]).toMatchObject({
      who: 'otto',
      what: 'Asked for a new certificate for *.apps.example.org',
    });
  });

  it('explains why nothing is ordered', async () => {
    expect(await post('busy.example.org')).toMatchObject({
      status: 409,
      body: { title: 'Not ordered', detail: 'No new certificate for busy.example.org: an order is under way.' },
    });
  });

  it.each(['unknown.example.org', 'own.cert'])('knows only certificates that are ordered: %s', async (name) => {
    const before = [...asked];
    const { changes } = box.administrator.current;
    expect(await post(name)).toMatchObject({ status: 404 });
    expect(asked).toEqual(before);
    expect(box.administrator.current.changes).toEqual(changes);
  });
});
