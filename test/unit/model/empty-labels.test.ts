import { describe, expect, it } from 'vitest';
import { noAcme } from '../../../src/model/acme/facts.ts';
import { groupLabels, hasRoutingLabels, LabelReader } from '../../../src/model/labels/label-reader.ts';
import { type LabelName, labelAliases, labels } from '../../../src/model/labels/labels.ts';
import { parseService } from '../../../src/model/parse-service.ts';
import { unknownMaterial } from '../../../src/model/secrets/material.ts';
import { unknownUse } from '../../../src/model/secrets/secret-use.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';

function parse(service: SwarmService) {
  return parseService(service, {
    networks: new Map(service.networkIds.map((id) => [id, aNetwork(id)])),
    nodes: new Map([['node', aNode('node')]]),
    hostTasks: new Map(),
    secrets: new Map(),
    nodeCount: 1,
    acme: noAcme,
    clusters: new Map(),
    secretUse: unknownUse,
    material: unknownMaterial,
  });
}

const names = Object.keys(labels) as LabelName[];
const written = [...names, ...Object.keys(labelAliases)];
const cases = written.flatMap((name) => ['', ' \t\n'].map((value) => [name, value] as const));

function without(service: SwarmService, label: string): SwarmService {
  return { ...service, labels: Object.fromEntries(Object.entries(service.labels).filter(([name]) => name !== label)) };
}

describe('a label with an empty value', () => {
  it.each(cases)('equals a missing label: %s=%j', (name, value) => {
    const label = `com.docker.lb.${name}`;
    const service = aService('app', { labels: { [label]: value } });

    expect(parse(service)).toEqual(parse(without(service, label)));
  });

  it.each(cases)('equals a missing label in a numbered group: %s=%j', (name, value) => {
    const group = { 'com.docker.lb.2.hosts': 'two.example.org', 'com.docker.lb.2.port': '80' };
    const label = `com.docker.lb.2.${name}`;
    const service = aService('app', { labels: { ...group, [label]: value } });

    expect(parse(service)).toEqual(parse(without(service, label)));
  });

  it.each(names)('is missing for readers: %s', (name) => {
    const { groups } = groupLabels('app', { 'com.docker.lb.ip_hash': 'true', [`com.docker.lb.${name}`]: '  ' });

    expect(new LabelReader('app', groups.get('') ?? new Map()).has(name)).toBe(false);
  });

  it('does not hide an alias that has a value', () => {
    const { groups } = groupLabels('app', {
      'com.docker.lb.defaul_backend': 'true',
      'com.docker.lb.default_backend': '',
    });

    expect(groups.get('')?.get('default_backend')?.value).toBe('true');
  });

  it('is not reported if its name is unknown', () => {
    const service = aService('app', { labels: { 'com.docker.lb.hsots': '', 'com.docker.lb.2.prot': ' ' } });

    expect(parse(service).problems).toEqual([]);
  });

  it('creates no route if all are empty', () => {
    const all = Object.fromEntries(
      written.flatMap((name) => [
        [`com.docker.lb.${name}`, ''],
        [`com.docker.lb.7.${name}`, ' '],
      ]),
    );
    const labels = { ...all, 'com.docker.ucp.mesh.http': '', 'com.docker.ucp.mesh.http.1': ' ' };

    expect(hasRoutingLabels(labels)).toBe(false);
    expect(parse({ ...aService('app'), labels })).toEqual({ routes: [], problems: [] });
  });

  it('keeps the labels of the HTTP Routing Mesh in effect', () => {
    const mesh = { 'com.docker.ucp.mesh.http': '80=http://app.example.org' };
    const service = { ...aService('app'), labels: { ...mesh, 'com.docker.lb.hosts': '' } };

    expect(parse(service)).toEqual(parse({ ...service, labels: mesh }));
    expect(parse(service).routes).toHaveLength(1);
  });

  it.each(['internal_port', 'redirect', 'sticky_sessions'])('works the same for the mesh parameter %s', (parameter) => {
    const value = 'external_route=http://app.example.org';
    const ports = [{ target: 80, published: undefined, mode: 'ingress', protocol: 'tcp' } as const];
    const routes = (text: string) =>
      parse({ ...aService('app', { ports }), labels: { 'com.docker.ucp.mesh.http': text } }).routes;

    expect(routes(`${value},${parameter}=`)).toEqual(routes(value));
    expect(routes(value)).toHaveLength(1);
  });
});
