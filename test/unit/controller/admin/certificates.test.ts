import { expect, it } from 'vitest';
import { certificateSchema, viewCertificates } from '../../../../src/controller/admin/certificates.ts';
import { scopeCertificates } from '../../../../src/controller/admin/scope.ts';
import { buildDesiredState } from '../../../../src/model/desired-state.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../../support/builders.ts';
import { certificateFacts, secretFacts } from '../../../support/facts.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const aPair = (name: string, names: string[], until = '2027-01-01T00:00:00.000Z') =>
  secretFacts(name, {
    certificates: [certificateFacts({ names, until, publicKey: name, issuer: 'Example CA' })],
    key: { kind: 'plain', publicKey: name },
  });

function view(...services: ReturnType<typeof aService>[]) {
  const facts = [
    aPair('wildcard', ['*.example.org']),
    aPair('soon', ['soon.example.org'], '2026-06-10T00:00:00.000Z'),
    aPair('old', ['old.example.org'], '2026-05-01T00:00:00.000Z'),
    aPair('spare', ['*.example.net']),
  ];
  const { settings } = parseSettings(
    { Extensions: { default: { Certificates: ['wildcard', 'spare', 'gone'], DefaultCertificate: 'spare' } } },
    '1',
  );
  const secrets = [...facts.map(({ name }) => name), 'unread', 'ca'].map((name) => ({
    ...{ id: name, name, createdAt: '', labels: {} },
  }));
  const snapshot = { services, networks: [aNetwork('app')], secrets, nodes: [], hostTasks: [], configs: [], owned: [] };
  const desired = buildDesiredState(snapshot, settings, [], {
    facts: new Map(facts.map((own) => [own.name, own])),
    now,
  });
  return viewCertificates([], { desired, problems: desired.problems }, now).map((one) => certificateSchema.parse(one));
}

const services = [
  aService('app'),
  aService('other'),
  aService('soon', { lb: { ssl_cert: 'soon' } }),
  aService('old', { lb: { ssl_cert: 'old' } }),
  aService('early', { lb: { ssl_cert: 'unread' } }),
  aService('missing', { lb: { ssl_cert: 'nowhere' } }),
  aService('clients', { lb: { ssl_client_ca: 'ca' } }),
];

it('lists the certificates in secrets: who uses them, until when, and what is wrong with them', () => {
  const shown = view(...services).map(({ name, status, hosts, issuer, notAfter, reason }) => {
    const fault = reason === null ? '' : ` (${reason})`;
    return `${name} ${status} ${hosts.join()} ${issuer} ${notAfter?.slice(0, 10)}${fault}`;
  });

  expect(shown).toEqual([
    'soon valid soon.example.org Example CA 2026-06-10 (the certificate in secret soon expires on 2026-06-10)',
    'spare valid  Example CA 2027-01-01',
    'unread pending early.example.org null undefined',
    'wildcard valid app.example.org,clients.example.org,other.example.org Example CA 2027-01-01',
    'gone invalid  null undefined (secret gone does not exist)',
    'nowhere invalid missing.example.org null undefined (secret nowhere does not exist)',
    'old invalid old.example.org null undefined (the certificate in secret old expired on 2026-05-01)',
  ]);
});

it('shows an API token for one cluster only the certificates of its services', () => {
  const all = view(...services);
  const visible = { services: [{ name: 'missing' }] } as never;

  expect(scopeCertificates(all, visible, { cluster: undefined })).toBe(all);
  expect(scopeCertificates(all, visible, { cluster: 'east' }).map(({ name }) => name)).toEqual(['nowhere']);
});
