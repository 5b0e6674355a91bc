// A thousand hostile values for each label, through the real nginx.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL_PREFIX } from '../../src/model/labels/label.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { bentExample, examples } from '../support/hostile-labels.ts';
import { renderAllBeside, renderBeside } from '../support/hostile-swarm.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { type Directive, parseNginx } from '../support/nginx-parser.ts';
import { withPlainTexts } from '../support/plain-routes.ts';

const VALUES = 1000;
/** The configuration for this many services is a single file. Request headers need more text. */
const atATime = (name: string) => (name.startsWith('request_header.') ? 50 : 150);
/** CPU time per service: other load on the machine does not count. */
const MOST_MS = 50;

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await NginxContainer.start();
});
afterAll(() => nginx[Symbol.asyncDispose]());

/** One service for each value. Each has a host of its own, unless the label is about hosts. */
function servicesWith(name: string): SwarmService[] {
  const values = fc.sample(bentExample(examples[name]!), { numRuns: VALUES, seed: 7 });
  // Any service may share a host. Another test covers the result.
  const own = values.filter((value) => !/alice|bob/i.test(value));
  return own.map((value, n) => {
    const service = aService(`mallory-${n}`, { host: `mallory-${n}.example.net`, networks: ['app'] });
    return { ...service, labels: { ...service.labels, [LABEL_PREFIX + name]: value } };
  });
}

/** Names, word counts and nesting, as counts. */
function shapeOf(directives: readonly Directive[], within = '', counts = new Map<string, number>()) {
  for (const { name, args, block } of directives) {
    const isEntry = /(map|geo)$/.test(within);
    const words = name === 'zone' ? 'some' : args.length;
    const key = `${within} ${isEntry ? 'entry' : name}/${words}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (block) shapeOf(block, `${within} ${name}`, counts);
  }
  return counts;
}

/** The server blocks of the harmless neighbors. */
function neighbors(text: string): string[] {
  return (
    [...text.matchAll(/^ {4}(?:server|upstream)[\s\S]*?^ {4}\}$/gm)]
      .map(([block]) => block)
      .filter((block) => /alice|bob/.test(block))
      // The first upstream sets the size of the shared memory, and removed paths are numbered.
      .map((block) => block.replace(/zone upstreams \d+k;/, 'zone upstreams;').replaceAll(/\$rest\d+/g, '$rest'))
      .toSorted()
  );
}

const innocent = neighbors(renderBeside().clusters[0]!.text);

/** Milliseconds of CPU time that a service takes alone, at best. */
function fastest(service: SwarmService): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    renderAllBeside([service]);
    return process.cpuUsage(before).user / 1000;
  });
  return Math.min(...times);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}

describe.each(Object.keys(examples))('%s', (name) => {
  it(`changes only its own services with ${VALUES} hostile values`, { timeout: 180_000 }, async () => {
    const services = servicesWith(name);
    expect(services.length).toBeGreaterThan(0.9 * VALUES);
    const rendered = chunks(services, atATime(name)).map(renderAllBeside);
    const clusters = rendered.flatMap(({ clusters }) => clusters);

    for (const { text, input } of clusters) {
      const plain = render({ ...input, routes: withPlainTexts(input.routes) }).files;
      expect(plain).toHaveLength(1);
      expect(shapeOf(parseNginx(text))).toEqual(shapeOf(parseNginx(plain[0]!.text)));
    }
    for (const { clusters, problems } of rendered) {
      expect(neighbors(clusters[0]!.text)).toEqual(innocent);
      expect(problems.filter(({ service }) => service === 'alice' || service === 'bob')).toEqual([]);
    }
    const complaints = await nginx.test([...new Set(clusters.map(({ text }) => text))]);
    expect(complaints.filter((complaint) => /emerg|refused/.test(complaint))).toEqual([]);
  });

  it('is read in a short time', { timeout: 180_000 }, () => {
    const slow = servicesWith(name).filter((service, n) => n % 20 === 0 && fastest(service) > MOST_MS);

    expect(slow.map(({ labels }) => labels)).toEqual([]);
  });
});
