import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

type Labels = Readonly<Record<string, string>>;
const { settings } = parseSettings({}, '1');
const secrets = ['cert', 'other-cert', 'key', 'ca'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));

function problemsOf(...services: readonly SwarmService[]) {
  const snapshot = { services, networks: [aNetwork('app')], secrets, nodes: [], hostTasks: [], configs: [], owned: [] };
  const { clusters, problems } = buildDesiredState(snapshot, settings);
  return [...problems, ...clusters.flatMap(({ table }) => table.problems)];
}

const older = (lb: Labels) => aService('older', { host: 'app', createdAt: '2026-01-01T00:00:00Z', lb });
const younger = (lb: Labels) => aService('younger', { host: 'app', createdAt: '2026-01-02T00:00:00Z', lb });
const labelsOf = (...services: readonly SwarmService[]) =>
  problemsOf(...services)
    .filter(({ severity }) => severity !== 'notice')
    .map(({ label }) => label?.replace(/^com\.docker\.lb\./, ''));

/** Labels of the older service, of the younger one, and the label in the younger one's problem. */
const differences: [Labels, Labels, string][] = [
  [{}, { ssl_backend: 'true' }, 'ssl_backend'],
  [{ ssl_backend: 'true' }, {}, 'ssl_backend'],
  [{}, { backend_protocol: 'https' }, 'backend_protocol'],
  [{ backend_protocol: 'https' }, {}, 'backend_protocol'],
  [{ ssl_backend: 'true' }, { backend_protocol: 'grpc' }, 'backend_protocol'],
  [{ backend_protocol: 'grpc' }, { ssl_backend: 'true' }, 'ssl_backend'],
  [{}, { ip_hash: 'true' }, 'ip_hash'],
  [{ ip_hash: 'true' }, {}, 'ip_hash'],
  [{}, { sticky_session_cookie: 's' }, 'sticky_session_cookie'],
  [{ sticky_session_cookie: 's' }, {}, 'sticky_session_cookie'],
  [{ sticky_session_cookie: 's' }, { ip_hash: 'true' }, 'ip_hash'],
  [{ ip_hash: 'true' }, { sticky_session_cookie: 's' }, 'sticky_session_cookie'],
  [{ sticky_session_cookie: 's' }, { sticky_session_cookie: 'none', ip_hash: 'true' }, 'ip_hash'],
  [{ context_root_rewrite: 'true' }, {}, 'context_root_rewrite'],
  [{}, { ssl_only: 'true' }, 'ssl_only'],
  [{ ssl_cert: 'cert' }, { ssl_cert: 'other-cert' }, 'ssl_cert'],
  [{ ssl_cert: 'cert' }, { ssl_cert: 'cert', ssl_key: 'key' }, 'ssl_key'],
  [{ ssl_cert: 'cert' }, { ssl_passthrough: 'true' }, 'ssl_passthrough'],
  [{ ssl_passthrough: 'true' }, { ssl_cert: 'cert' }, 'ssl_cert'],
  [{ ssl_cert: 'cert' }, { ssl_cert: 'cert', hsts: 'true' }, 'hsts'],
];

describe('a problem about an option that services share', () => {
  it.each(differences)('names the label that decided: %j and %j differ in %s', (first, second, label) => {
    expect(labelsOf(older(first), younger(second))).toEqual([label]);
  });

  it.each(differences)('names the label of a numbered group: %j and %j differ in %s', (first, second, label) => {
    const group = Object.entries({ hosts: 'app', port: '80', ...second }).map(([name, value]) => [
      `com.docker.lb.2.${name}`,
      value,
    ]);
    const service = { ...younger({}), labels: Object.fromEntries(group) };

    expect(labelsOf(older(first), service)).toEqual([`2.${label}`]);
  });

  it('names the label of the HTTP Routing Mesh', () => {
    const mesh = { 'com.docker.ucp.mesh.http.1': 'external_route=http://app,internal_port=80,sticky_sessions=s' };
    const service = { ...younger({}), labels: mesh };

    expect(labelsOf(older({}), service)).toEqual(['com.docker.ucp.mesh.http.1']);
    expect(labelsOf(older({ ssl_backend: 'true', sticky_session_cookie: 's' }), service)).toEqual([
      'com.docker.ucp.mesh.http.1',
    ]);
  });

  it('names ssl_client_ca if that alone requires certificates', () => {
    const protectedOnes = { ssl_cert: 'cert', ssl_client_ca: 'ca' };

    expect(labelsOf(older({ ssl_cert: 'cert' }), younger(protectedOnes))).not.toContain('ssl_client_verify');
    expect(labelsOf(older({ ...protectedOnes, ssl_client_verify: 'optional' }), younger(protectedOnes))).toContain(
      'ssl_client_ca',
    );
  });
});

describe('a problem of one service', () => {
  const one = (lb: Labels) => labelsOf(aService('app', { lb }));

  it.each<[Labels, string]>([
    [{ ssl_backend_ca: 'ca' }, 'ssl_backend_ca'],
    [{ ssl_backend_ca: 'ca', ssl_backend_tls_verify: 'required' }, 'ssl_backend_tls_verify'],
    [{ ssl_passthrough: 'true', ssl_cert: 'cert' }, 'ssl_cert'],
    [{ ssl_passthrough: 'true', ssl_key: 'key' }, 'ssl_key'],
  ])('names a label that the service has: %j, %s', (lb, label) => {
    expect(one(lb)).toEqual([label]);
  });

  it('names a missing label with the number of its group', () => {
    expect(labelsOf(aService('app', { labels: { 'com.docker.lb.2.hosts': 'two' } }))).toEqual(['2.port']);
    expect(labelsOf(aService('app', { labels: { 'com.docker.lb.2.port': '80' } }))).toEqual(['2.hosts']);
  });
});
