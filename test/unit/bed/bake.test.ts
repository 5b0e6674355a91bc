// docker-bake.hcl repeats what bed/images.ts and package.json define, since it can read neither.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { demo, imageLabels, packageVersion, services } from '../../../bed/images.ts';
import { project } from '../../../bed/places.ts';

const read = (path: string) => readFileSync(join(project, path), 'utf8');
const bake = read('docker-bake.hcl').replaceAll(/^\s*#.*$/gm, '');

const entries = [...bake.matchAll(/\{ name = "(?<name>[^"]+)", dockerfile = "(?<file>[^"]+)" \}/g)].map(
  ({ groups }) => ({ name: groups!.name!, file: groups!.file! }),
);
const defaults = Object.fromEntries(
  [...bake.matchAll(/^variable "(\w+)" \{\s*default = "([^"]*)"\s*\}/gm)].map(([, name, value]) => [name!, value!]),
);
const lists = (name: string) =>
  [...bake.matchAll(new RegExp(`^\\s*${name}\\s*= \\[("[^\\]]*)\\]$`, 'gm'))].map(([, list]) =>
    JSON.parse(`[${list}]`),
  );
const interpolate = (text: string, name: string) =>
  text.replaceAll(/\$\{([\w.]+)\}/g, (_, variable: string) => (variable === 'image.name' ? name : defaults[variable]!));

it('has a target for every image, with its Dockerfile', () => {
  const images = [...services, demo].map(({ name, file }) => ({ name: name.replace('signalbox/', ''), file }));

  expect(entries).toEqual(images);
  for (const { file } of entries) expect(existsSync(join(project, file)), file).toBe(true);
  expect(lists('targets')).toEqual([
    services.map(({ name }) => name.replace('signalbox/', '')),
    images.map(({ name }) => name),
  ]);
});

it('tags images with the version of package.json, for both platforms, with attestations', () => {
  const [tags] = lists('tags') as [string[]];

  for (const { name } of services)
    expect(tags.map((tag) => interpolate(tag, name.replace('signalbox/', '')))).toEqual([
      `${name}:${packageVersion()}`,
    ]);
  expect(lists('platforms')).toEqual([['linux/amd64', 'linux/arm64']]);
  expect(lists('attest')).toEqual([['type=sbom', 'type=provenance,mode=max']]);
});

it('sets the same labels as npm run images', () => {
  const labels = [...bake.matchAll(/^\s*"([\w.]+)"\s*= "([^"]*)"$/gm)];

  for (const { name } of services) {
    const values = labels.map(([, label, value]) => [label, interpolate(value!, name.replace('signalbox/', ''))]);
    expect(Object.fromEntries(values)).toEqual(imageLabels(name, ''));
  }
});

it('shares stages: the Dockerfiles install the dependencies with the same lines', () => {
  const stages = services.map(({ file }) => /^FROM \S+ AS dependencies\n[\s\S]*?(?=\n\n)/m.exec(read(file))?.[0]);

  expect(stages[0]).toContain('npm ci');
  expect(new Set(stages).size).toBe(1);
});

it('stack.yml deploys this version by default', () => {
  const versions = [...read('stack.yml').matchAll(/SIGNALBOX_VERSION:-([^}]+)\}/g)].map(([, version]) => version);

  expect(new Set(versions)).toEqual(new Set([packageVersion()]));
});
