import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { z } from 'zod';
import {
  EngineNetwork,
  EngineNode,
  EngineObject,
  EngineService,
  EngineTask,
} from '../../src/controller/docker/schema.ts';
import {
  toHostTask,
  toServiceTask,
  toStoredObject,
  toSwarmNetwork,
  toSwarmNode,
  toSwarmService,
} from '../../src/controller/docker/to-model.ts';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { sortProblems } from '../../src/model/problem.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { type Material, unknownMaterial } from '../../src/model/secrets/material.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { permissionsOf } from '../../src/nginx-text/permissions.ts';
import { compileNginx } from '../../src/render/nginx.ts';
import { readTemplates } from '../../src/template-folder/read-templates.ts';
import { certificateFacts, secretFacts } from './facts.ts';

/** The Engine's answers, in its own format. */
const Swarm = z.object({
  services: z.array(EngineService),
  networks: z.array(EngineNetwork),
  nodes: z.array(EngineNode),
  tasks: z.array(EngineTask),
  secrets: z.array(EngineObject).default([]),
});

const Facts = z.object({
  now: z.iso.datetime(),
  secrets: z.array(
    z.object({
      name: z.string(),
      certificates: z.array(z.object({ names: z.array(z.string()), until: z.string(), publicKey: z.string() })),
      key: z.object({ kind: z.literal('plain'), publicKey: z.string() }).exactOptional(),
    }),
  ),
});

const folder = new URL('../golden/', import.meta.url);
export const templateTexts = readTemplates(new URL('../../templates', import.meta.url).pathname);
export const render = compileNginx(templateTexts);

/**
 * Each folder is a case. Input: swarm.json, and optionally config.toml and facts.json about its secrets. Output: nginx.conf for each cluster and
 * problems.json.
 */
export const goldenCases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();

export function goldenPath(name: string, file: string): string {
  return new URL(`${name}/${file}`, folder).pathname;
}

export function readSnapshot(name: string): Snapshot {
  const swarm = Swarm.parse(JSON.parse(readFileSync(goldenPath(name, 'swarm.json'), 'utf8')));
  return {
    services: swarm.services.map(toSwarmService),
    networks: swarm.networks.map(toSwarmNetwork),
    nodes: swarm.nodes.map(toSwarmNode),
    hostTasks: swarm.tasks.map(toHostTask),
    tasks: swarm.tasks.map(toServiceTask),
    configs: [],
    secrets: swarm.secrets.map(toStoredObject),
    owned: [],
  };
}

/** What proxies report about the secrets. */
function readMaterial(name: string): Material {
  const path = goldenPath(name, 'facts.json');
  if (!existsSync(path)) return unknownMaterial;
  const { now, secrets } = Facts.parse(JSON.parse(readFileSync(path, 'utf8')));
  const facts = secrets.map(({ name, certificates, ...more }) =>
    secretFacts(name, { certificates: certificates.map(certificateFacts), ...more }),
  );
  return { facts: new Map(facts.map((own) => [own.name, own])), now: Date.parse(now) };
}

/** All of the pure part: settings, routes, problems, text. */
export function renderCase(name: string, snapshot = readSnapshot(name)) {
  const file = goldenPath(name, 'config.toml');
  const { settings, problems } = parseSettings(existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}, '0.1.0');
  const desired = buildDesiredState(snapshot, settings, [], readMaterial(name));
  const files = desired.clusters.map((state) => ({
    name: state.cluster.name === 'default' ? 'nginx.conf' : `nginx-${state.cluster.name}.conf`,
    text: render(toRenderInput(state)).files[0]!.text,
    permissions: permissionsOf(toRenderInput(state)),
  }));
  const conflicts = desired.clusters.flatMap(({ table }) => table.problems);
  return { files, problems: sortProblems([...problems, ...desired.problems, ...conflicts]) };
}
