import { describe, expect, it } from 'vitest';
import { compileNginx } from '../../../src/render/nginx.ts';
import { proveConfiguration } from '../../../src/render/prove.ts';
import { aService } from '../../support/builders.ts';
import { render, templateTexts } from '../../support/golden.ts';
import { inputOf, manyServices } from '../../support/many-services.ts';

const services = manyServices(1500);
const input = inputOf(services);
const { files } = render(input);
const [main, ...parts] = files;

describe('a large configuration', () => {
  it('is split into small parts that the main file includes', () => {
    const included = [...main!.text.matchAll(/^ {4}include ([a-z0-9.-]+);$/gm)].map(([, path]) => path);

    expect(included).toEqual(parts.map(({ path }) => path));
    expect(included.length).toBeGreaterThan(4);
    for (const { text } of files) expect(text.length).toBeLessThan(256 * 1024);
    expect(main!.text.length).toBeLessThan(16 * 1024);
  });

  it('loses nothing and repeats nothing', () => {
    const small = render(inputOf(services.slice(0, 1)));
    const names = services.map(({ name }) => name);

    expect(small.files).toHaveLength(1);
    for (const pattern of [
      /^ {4}upstream "[0-9a-f]{16}-tasks\.(service\d+)\./gm,
      /^ {8}server_name "(service\d+)\./gm,
    ]) {
      const found = parts.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name]) => name!));
      expect(found.toSorted()).toEqual(names.toSorted());
    }
  });

  it('changes in one place if one route changes', () => {
    const changed = services.with(700, aService('service700', { createdAt: '000700', port: '9090' }));

    const known = new Set(files.map(({ digest }) => digest));
    const next = render(inputOf(changed)).files.filter(({ digest }) => !known.has(digest));

    expect(next.map(({ path }) => path.replace(/-\d+/, ''))).toEqual(['nginx.conf', 'upstreams.conf', 'servers.conf']);
  });

  it('does not depend on previous renderings', () => {
    const remembering = compileNginx(templateTexts);
    for (const count of [1500, 3, 1400, 700, 1499, 1500]) {
      const some = inputOf(services.slice(0, count));
      expect(remembering(some)).toEqual(compileNginx(templateTexts)(some));
    }
  });

  it('keeps expressions in place, since nginx tries them in order', () => {
    const expressions = ['~^aaa[0-9]+\\.example$', '~^aa[0-9]+\\.example$', '~^a[0-9]+\\.example$'];
    const some = expressions.map((host, n) => aService(`expression${n}`, { host }));

    const [first] = render(inputOf([...services, ...some.toReversed()])).files;
    const found = [...first!.text.matchAll(/server_name "~\^(a+)\[/g)].map(([, name]) => name);

    expect(found).toEqual(['aaa', 'aa', 'a']);
  });

  it("stays one file if an administrator's template writes between blocks", () => {
    const template = '{{> status}}\n{{#each servers}}\n# {{host.name}}\n{{> server}}\n{{/each}}\n';

    const own = render({ ...input, template }).files;

    expect(own).toHaveLength(1);
    expect(own[0]!.text.match(/^# service/gm)).toHaveLength(1500);
    expect(own[0]!.text.match(/server_name "service/g)).toHaveLength(1500);
  });
});

it('leaves out services whose host would not fit into a Docker config', async () => {
  // More than the budget allows.
  const wanted = inputOf([aService('shop'), aService('greedy', { createdAt: '1' })]);
  const [shop, greedy] = wanted.routes;
  const routes = Array.from({ length: 2000 }, (_, n) => ({ ...greedy!, path: `/${String(n).padStart(200, '0')}` }));

  const proof = await proveConfiguration({ ...wanted, routes: [shop!, ...routes] }, render, async () => undefined);

  expect(proof).toMatchObject({
    kind: 'rendered',
    refused: [{ service: 'greedy', message: expect.stringMatching(/KiB/) }],
  });
  expect(proof).toMatchObject({ files: [{ text: expect.stringContaining('server_name "shop.example.org"') }] });
});
